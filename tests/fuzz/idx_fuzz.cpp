#include "tests/fuzz/fuzz.h"
#include "tvae/corpus/mnist_text.h"

/// Two files: images and their labels.
TVAE_FUZZ(idx) {
  const std::vector<std::string> files = tvae::test::parts(data, 2);
  const tvae::LabelledImages read =
      tvae::read_mnist(tvae::test::scratch().put("images", files[0]), tvae::test::scratch().put("labels", files[1]));
  TVAE_ASSERT(read.images.size() == read.labels.size(), "images without a label");
  for (const tvae::GreyImage& image : read.images) {
    TVAE_ASSERT(image.pixels.size() == static_cast<size_t>(image.side) * image.side, "an image that is not square");
    tvae::mnist_text(image, /*pool=*/2, /*up=*/true);
  }
}
