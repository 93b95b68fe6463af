#include "tvae/eval/image_agreement.h"

#include <cstdlib>

#include "tvae/base/assert.h"
#include "tvae/validity/image_text.h"

namespace tvae {

ImageAgreement image_agreement(const std::vector<std::string>& originals, const std::vector<std::string>& outputs) {
  TVAE_ASSERT(originals.size() == outputs.size(), "one output an original");
  ImageAgreement agreement;
  int64_t pixels = 0, equal = 0, difference = 0;
  for (size_t i = 0; i < originals.size(); ++i) {
    const std::optional<GreyImage> original = mnist_image(originals[i]);
    if (!original) continue;
    ++agreement.images;
    const std::optional<GreyImage> output = mnist_image(outputs[i]);
    if (!output || output->side != original->side) continue;
    ++agreement.readable;
    for (size_t pixel = 0; pixel < original->pixels.size(); ++pixel) {
      const int distance = std::abs(original->pixels[pixel] - output->pixels[pixel]);
      ++pixels;
      equal += distance == 0;
      difference += distance;
    }
  }
  if (pixels > 0) {
    agreement.grey_error = static_cast<double>(difference) / (255.0 * static_cast<double>(pixels));
    agreement.equal_pixels = static_cast<double>(equal) / static_cast<double>(pixels);
  }
  return agreement;
}

}  // namespace tvae
