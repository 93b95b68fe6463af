// Images as text, as in the dataset mnist-text: rows "NN down ! ! a ..." of one symbol a pixel, joined by newlines.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tvae {

/// A square grey image, row by row; 0 is black, 255 white.
struct GreyImage {
  int side = 0;
  std::vector<unsigned char> pixels;  // [side · side]
};

/// A symbol is the largest of pool x pool pixels: chr(33 + floor(value / 255 * 64)). Where `pool` does not divide the
/// side, the first rows and columns are left out (the published 9x9 variant is pool 3 of image[1:, 1:]).
/// `up` gives the upside-down variant: the rows in reverse order, marked "up".
std::string mnist_text(const GreyImage& image, int pool, bool up);

/// Whether a text is such an image: rows numbered from 00 down or from the last up, as many symbols a row as rows, and
/// not all black.
bool is_mnist_text(std::string_view text);

/// The images and labels of MNIST's idx files, plain or .gz. Throws DataError where they are no such files.
struct LabelledImages {
  std::vector<GreyImage> images;
  std::vector<int> labels;
};
LabelledImages read_mnist(const std::string& images_path, const std::string& labels_path);

}  // namespace tvae
