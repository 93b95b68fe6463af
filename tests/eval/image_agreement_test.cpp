#include "tvae/eval/image_agreement.h"

#include <gtest/gtest.h>

#include "tvae/corpus/mnist_text.h"

namespace tvae {
namespace {

const std::string kBlackAndWhite = "00 down ! a\n01 down a !", kAllWhite = "00 down a a\n01 down a a";

TEST(ImageAgreement, CountsReadableImagesAndComparesTheirPixels) {
  const ImageAgreement agreement =
      image_agreement({kBlackAndWhite, kBlackAndWhite, kBlackAndWhite, kBlackAndWhite, "no image"},
                      {kBlackAndWhite, kAllWhite, "00 down ! a", "00 down !", kAllWhite});
  EXPECT_EQ(agreement.images, 4);
  EXPECT_EQ(agreement.readable, 2) << "no image, and one of another size";
  EXPECT_DOUBLE_EQ(agreement.grey_error, 0.25);
  EXPECT_DOUBLE_EQ(agreement.equal_pixels, 0.75);
}

TEST(ImageAgreement, GreyErrorIsTheMeanDistanceOfGreyValues) {
  const std::string grey = "00 down A A\n01 down A A";  // 32 of 64 steps
  EXPECT_NEAR(image_agreement({grey}, {kAllWhite}).grey_error, 0.5, 1.0 / 64);
  EXPECT_EQ(image_agreement({grey}, {kAllWhite}).equal_pixels, 0.0);
}

TEST(ImageAgreement, UpsideDownVariantsAreTheSameImage) {
  const ImageAgreement agreement = image_agreement({kBlackAndWhite}, {"01 up a !\n00 up ! a"});
  EXPECT_EQ(agreement.readable, 1);
  EXPECT_EQ(agreement.equal_pixels, 1.0);
}

TEST(ImageAgreement, NothingReadableIsNoError) {
  const ImageAgreement agreement = image_agreement({kAllWhite}, {"noise"});
  EXPECT_EQ(agreement.images, 1);
  EXPECT_EQ(agreement.readable, 0);
  EXPECT_EQ(agreement.grey_error, 0.0);
}

}  // namespace
}  // namespace tvae
