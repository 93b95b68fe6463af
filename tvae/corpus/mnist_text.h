// MNIST's images as text (validity/image_text.h says how they are written).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tvae/corpus/png.h"
#include "tvae/text/tokenizer.h"
#include "tvae/validity/image_text.h"

namespace tvae {

/// A symbol is the largest of pool x pool pixels: chr(33 + floor(value / 255 * 64)). Where `pool` does not divide the
/// side, the first rows and columns are left out (the published 9x9 variant is pool 3 of image[1:, 1:]).
/// `up` gives the upside-down variant: the rows in reverse order, marked "up".
std::string mnist_text(const GreyImage& image, int pool, bool up);

/// The images of texts side by side, a grey line between them; texts that are no image become grey. nullopt where none
/// is one.
std::optional<Picture> image_strip(const std::vector<std::string>& texts);

/// What a tokenizer should write as one id each: symbols (with the space before them) and the beginnings of rows (with
/// the newline before them). So an image of n rows takes n (n + 1) ids.
std::vector<std::string> mnist_text_pieces();

/// A tokenizer with these pieces, and with the printable characters of ASCII for texts that are no images; single bytes
/// serve what is missing.
Tokenizer mnist_text_tokenizer();

/// The images and labels of MNIST's idx files, plain or .gz. Throws DataError where they are no such files.
struct LabelledImages {
  std::vector<GreyImage> images;
  std::vector<int> labels;
};
LabelledImages read_mnist(const std::string& images_path, const std::string& labels_path);

/// The factor by which the images, which are from `path`, shrink to `size` rows. Throws DataError where there is none.
int mnist_text_pool(const LabelledImages& digits, int size, const std::string& path);

}  // namespace tvae
