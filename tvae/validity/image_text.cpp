#include "tvae/validity/image_text.h"

#include <algorithm>

#include "tvae/base/strings.h"
#include "tvae/validity/validity.h"

namespace tvae {
namespace {

constexpr size_t kMostRows = 100;  // their numbers have two digits

/// The darkest grey that the symbol stands for.
unsigned char darkest_of(char symbol) {
  return static_cast<unsigned char>(((symbol - kBlackSymbol) * 255 + kGreyLevels - 1) / kGreyLevels);
}

}  // namespace

std::string image_row_start(int row, bool up) {
  const std::string number = {static_cast<char>('0' + row / 10), static_cast<char>('0' + row % 10)};
  return number + (up ? " up" : " down");
}

std::optional<GreyImage> mnist_image(std::string_view text) {
  std::vector<std::string> lines = split(text, '\n');
  const bool up = lines[0].find(" up ") == 2;
  if (up) std::reverse(lines.begin(), lines.end());
  if (lines.size() > kMostRows) return std::nullopt;
  GreyImage image{static_cast<int>(lines.size()), {}};
  for (int row = 0; row < image.side; ++row) {
    const std::string start = image_row_start(row, up);
    const std::string& line = lines[row];
    if (line.size() != start.size() + 2 * lines.size() || line.compare(0, start.size(), start) != 0)
      return std::nullopt;
    for (size_t i = start.size(); i < line.size(); i += 2) {
      if (line[i] != ' ' || line[i + 1] < kBlackSymbol || line[i + 1] > kWhiteSymbol) return std::nullopt;
      image.pixels.push_back(darkest_of(line[i + 1]));
    }
  }
  return image;
}

bool is_mnist_text(std::string_view text) {
  const auto image = mnist_image(text);
  return image && std::any_of(image->pixels.begin(), image->pixels.end(), [](int value) { return value > 0; });
}

namespace {

std::unique_ptr<ValidityCheck> make_mnist_check() {
  return std::make_unique<FunctionCheck>(is_mnist_text, "rows and symbols of MNIST text");
}

const Register<TextKind> registered(text_kinds(), {"mnist", "images as text", {make_mnist_check, no_bracket_syntax}});

}  // namespace

}  // namespace tvae
