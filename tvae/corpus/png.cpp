#include "tvae/corpus/png.h"

#include <png.h>

#include "tvae/base/assert.h"

namespace tvae {

std::string encode_png(const Picture& picture) {
  TVAE_ASSERT(picture.pixels.size() == static_cast<size_t>(picture.width) * picture.height, "one byte a pixel");
  png_image header{};
  header.version = PNG_IMAGE_VERSION;
  header.width = static_cast<png_uint_32>(picture.width);
  header.height = static_cast<png_uint_32>(picture.height);
  header.format = PNG_FORMAT_GRAY;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(header);
  std::string bytes(size, '\0');
  const int written = png_image_write_to_memory(&header, bytes.data(), &size, /*convert_to_8_bit=*/0,
                                                picture.pixels.data(), /*row_stride=*/0, nullptr);
  TVAE_ASSERT(written != 0, "libpng writes what fits its own bound");
  bytes.resize(size);
  return bytes;
}

Picture enlarged(const Picture& picture, int factor) {
  Picture large{picture.width * factor, picture.height * factor, {}};
  for (int y = 0; y < large.height; ++y)
    for (int x = 0; x < large.width; ++x)
      large.pixels.push_back(picture.pixels[static_cast<size_t>(y / factor) * picture.width + x / factor]);
  return large;
}

}  // namespace tvae
