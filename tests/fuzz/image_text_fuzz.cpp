#include "tests/fuzz/fuzz.h"
#include "tvae/corpus/mnist_text.h"
#include "tvae/validity/image_text.h"

/// An image that is read is written as the same text.
TVAE_FUZZ(image_text) {
  const auto image = tvae::mnist_image(data);
  TVAE_ASSERT(image || !tvae::is_mnist_text(data), "a valid text without an image");
  if (!image) return;
  const bool up = data.find(" up ") == 2;
  TVAE_ASSERT(tvae::mnist_text(*image, /*pool=*/1, up) == data, "an image that is written otherwise");
  tvae::encode_png(*tvae::image_strip({std::string(data), "", std::string(data)}));
}
