#include "tvae/corpus/mnist_text.h"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/strings.h"

namespace tvae {
namespace {

constexpr unsigned char kGrey = 128;
constexpr int kMnistSide = 28;

/// The body of an idx file of bytes (http://yann.lecun.com/exdb/mnist) and its sizes.
struct IdxFile {
  std::vector<size_t> sizes;
  std::string bytes;
};

IdxFile read_idx(const std::string& path, size_t dimensions) {
  IdxFile file;
  const std::string content = read_text_file(path);
  const auto big_endian = [&](size_t at) {
    uint32_t value = 0;
    for (size_t i = at; i < at + 4; ++i) value = value << 8 | static_cast<unsigned char>(content[i]);
    return value;
  };
  const size_t header = 4 + 4 * dimensions;
  const uint32_t magic = 0x800 + static_cast<uint32_t>(dimensions);  // 8: unsigned bytes
  if (content.size() < header || big_endian(0) != magic)
    throw DataError(path + ": not an idx file of bytes in " + std::to_string(dimensions) + " dimensions");
  size_t expected = 1;
  for (size_t i = 0; i < dimensions; ++i) {
    file.sizes.push_back(big_endian(4 + 4 * i));
    if (__builtin_mul_overflow(expected, file.sizes[i], &expected)) expected = std::numeric_limits<size_t>::max();
  }
  file.bytes = content.substr(header);
  if (file.bytes.size() != expected)
    throw DataError(path + ": damaged", std::to_string(file.bytes.size()) + " bytes", std::to_string(expected));
  return file;
}

}  // namespace

std::string mnist_text(const GreyImage& image, int pool, bool up) {
  const int rows = image.side / pool, skipped = image.side % pool;
  std::vector<std::string> lines;
  for (int row = 0; row < rows; ++row) {
    std::string line = image_row_start(row, up);
    for (int column = 0; column < rows; ++column) {
      int value = 0;
      for (int i = 0; i < pool * pool; ++i) {
        const int y = skipped + row * pool + i / pool, x = skipped + column * pool + i % pool;
        value = std::max<int>(value, image.pixels[y * image.side + x]);
      }
      line += {' ', static_cast<char>(kBlackSymbol + value * kGreyLevels / 255)};
    }
    lines.push_back(line);
  }
  if (up) std::reverse(lines.begin(), lines.end());
  return join(lines, "\n");
}

std::optional<Picture> image_strip(const std::vector<std::string>& texts) {
  std::vector<std::optional<GreyImage>> images;
  int side = 0;
  for (const std::string& text : texts) {
    images.push_back(mnist_image(text));
    if (images.back()) side = std::max(side, images.back()->side);
  }
  if (side == 0) return std::nullopt;
  const int count = static_cast<int>(images.size());
  Picture strip{count * (side + 1) - 1, side, {}};
  strip.pixels.assign(static_cast<size_t>(strip.width) * side, kGrey);
  for (int i = 0; i < count; ++i)
    if (images[i])
      for (int y = 0; y < images[i]->side; ++y)
        std::copy_n(images[i]->pixels.begin() + y * images[i]->side, images[i]->side,
                    strip.pixels.begin() + y * strip.width + i * (side + 1));
  return strip;
}

std::vector<std::string> mnist_text_pieces() {
  std::vector<std::string> pieces;
  for (char symbol = kBlackSymbol; symbol <= kWhiteSymbol; ++symbol) pieces.push_back({' ', symbol});
  for (int row = 0; row < kMnistSide; ++row)
    for (const bool up : {false, true}) {
      pieces.push_back(image_row_start(row, up));
      pieces.push_back("\n" + image_row_start(row, up));
    }
  return pieces;
}

Tokenizer mnist_text_tokenizer() {
  std::string characters;
  for (char character = ' '; character <= '~'; ++character) characters += character;
  TokenizerTraining training;
  training.kind = "char";
  training.pieces = mnist_text_pieces();
  return train_tokenizer({characters}, training);
}

LabelledImages read_mnist(const std::string& images_path, const std::string& labels_path) {
  const IdxFile images = read_idx(images_path, 3), labels = read_idx(labels_path, 1);
  const size_t count = images.sizes[0], side = images.sizes[1];
  if (images.sizes[2] != side || side == 0 || side > 1000)
    throw DataError(images_path + ": images are not square",
                    std::to_string(side) + " x " + std::to_string(images.sizes[2]));
  if (labels.sizes[0] != count)
    throw DataError(labels_path + ": not the labels of " + images_path, std::to_string(labels.sizes[0]) + " labels",
                    std::to_string(count));
  LabelledImages result;
  for (size_t i = 0; i < count; ++i) {
    const auto pixels = images.bytes.begin() + static_cast<std::ptrdiff_t>(i * side * side);
    result.images.push_back({static_cast<int>(side), {pixels, pixels + static_cast<std::ptrdiff_t>(side * side)}});
    result.labels.push_back(static_cast<unsigned char>(labels.bytes[i]));
  }
  return result;
}

int mnist_text_pool(const LabelledImages& digits, int size, const std::string& path) {
  const int side = digits.images.empty() ? 0 : digits.images[0].side;
  if (side < size || side / (side / size) != size)
    throw DataError(path + " cannot give images of " + std::to_string(size) + " rows",
                    counted(digits.images.size(), "image") + " of " + std::to_string(side) + " x " +
                        std::to_string(side) + " pixels",
                    "MNIST's 28 x 28, which give 28, 14, 9 or 7 rows");
  return side / size;
}

}  // namespace tvae
