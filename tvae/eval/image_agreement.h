// How alike images written as text are (data.check = mnist).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tvae {

struct ImageAgreement {
  int64_t images = 0;         // originals that are images
  int64_t readable = 0;       // of those, whose output is an image of as many rows
  double grey_error = 0.0;    // mean |difference| of grey values over their pixels, 1 = black for white
  double equal_pixels = 0.0;  // share of their pixels that are the same
};
/// One output an original, in order; the figures of pixels are 0 where nothing is readable.
ImageAgreement image_agreement(const std::vector<std::string>& originals, const std::vector<std::string>& outputs);

}  // namespace tvae
