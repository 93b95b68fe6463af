// Images as text, as in the dataset mnist-text: rows "NN down ! ! a ..." of one symbol a pixel, joined by newlines.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tvae {

/// A square grey image, row by row; 0 is black, 255 white.
struct GreyImage {
  int side = 0;
  std::vector<unsigned char> pixels;  // [side · side]
};

/// The symbols of black and of white; the greys between them are the characters between them.
constexpr char kBlackSymbol = '!';
constexpr char kWhiteSymbol = 'a';
constexpr int kGreyLevels = kWhiteSymbol - kBlackSymbol;  // 64

/// How a row begins: its number in two digits, and the direction in which rows are counted.
std::string image_row_start(int row, bool up);

/// The image that a text is, the right way up whatever its direction; grey values are the darkest that the symbols
/// stand for. nullopt unless rows are numbered from 00 down, or from the last up, with as many symbols a row as rows.
std::optional<GreyImage> mnist_image(std::string_view text);

/// Whether a text is such an image and not all black.
bool is_mnist_text(std::string_view text);

}  // namespace tvae
