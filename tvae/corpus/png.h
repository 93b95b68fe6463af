// Grey images as PNG files, for logs and reports.
#pragma once

#include <string>
#include <vector>

namespace tvae {

/// A grey image of any size, row by row; 0 is black, 255 white.
struct Picture {
  int width = 0, height = 0;
  std::vector<unsigned char> pixels;  // [height · width]
};

/// The bytes of a PNG file.
std::string encode_png(const Picture& picture);

/// Each pixel as a square of `factor` x `factor`.
Picture enlarged(const Picture& picture, int factor);

}  // namespace tvae
