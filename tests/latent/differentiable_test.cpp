#include "tvae/latent/differentiable.h"

#include <gtest/gtest.h>

#include "tests/support/saved_model.h"
#include "tests/support/temporary_folder.h"
#include "tvae/base/error.h"
#include "tvae/latent/space.h"

namespace tvae {
namespace {

using test::lines;
using torch::Tensor;

double relative_error(const Tensor& a, const Tensor& b) {
  return ((a - b).norm() / b.norm()).item<double>();
}

class Differentiable : public testing::Test {
 protected:
  Differentiable() { test::saved_model(path_, "gaussian", "python"); }

  test::TemporaryFolder folder_;
  const std::string path_ = folder_.path("m");
  // Of different lengths, and not in their order.
  const std::vector<std::string> texts_ = {lines()[0] + " # longer", "x", lines()[1], lines()[2] + " # the longest"};
};

TEST_F(Differentiable, EncodesEmbeddingsAsTheModelEncodesTexts) {
  const DifferentiableModel model(path_, torch::kCPU, at::kFloat);
  const EmbeddedTexts embedded = model.embed(texts_);
  EXPECT_EQ(embedded.embeddings.size(0), 4);
  EXPECT_EQ(embedded.embeddings.size(2), model.width());
  const Tensor codes = model.encode(embedded.embeddings, embedded.lengths);
  EXPECT_LT(relative_error(codes, LatentSpace::open(path_).encode(texts_).mean), 1e-5);
  EXPECT_EQ(model.encode(model.embed({}).embeddings, {}).sizes(), (at::IntArrayRef{0, 2, 4}));
}

TEST_F(Differentiable, GradientsOfCodesAgreeWithFiniteDifferences) {
  const DifferentiableModel model(path_, torch::kCPU, at::kDouble);
  const EmbeddedTexts embedded = model.embed(texts_);
  torch::manual_seed(1);
  const Tensor codes = model.encode(embedded.embeddings, embedded.lengths);
  const Tensor of_codes = at::randn_like(codes), direction = at::randn_like(embedded.embeddings);
  const Tensor gradient = model.encode_gradient(embedded.embeddings, embedded.lengths, of_codes);
  constexpr double kStep = 1e-6;
  const auto value = [&](double step) {
    return (model.encode(embedded.embeddings + step * direction, embedded.lengths) * of_codes).sum().item<double>();
  };
  const double expected = (value(kStep) - value(-kStep)) / (2 * kStep);
  EXPECT_NEAR((gradient * direction).sum().item<double>(), expected, 1e-6 * std::abs(expected));
  EXPECT_EQ(gradient[1].narrow(0, embedded.lengths[1], 1).abs().max().item<double>(), 0) << "beyond the text's end";
}

TEST_F(Differentiable, LossesAndTheirGradientsAreThoseOfEachTextAlone) {
  const DifferentiableModel model(path_, torch::kCPU, at::kDouble);
  torch::manual_seed(2);
  const Tensor codes = at::randn({4, 2, 4}, at::kDouble), direction = at::randn_like(codes);
  const TextLosses together = model.losses(codes, texts_);
  constexpr double kStep = 1e-6;
  for (int64_t i = 0; i < 4; ++i) {
    const auto alone = [&](double step) {
      return model.losses((codes + step * direction).narrow(0, i, 1), {texts_[static_cast<size_t>(i)]});
    };
    EXPECT_NEAR(together.nats[i].item<double>(), alone(0).nats[0].item<double>(), 1e-9);
    EXPECT_LT(relative_error(alone(0).gradient[0], together.gradient[i]), 1e-9);
    const double expected = (alone(kStep).nats - alone(-kStep).nats).item<double>() / (2 * kStep);
    EXPECT_NEAR((together.gradient[i] * direction[i]).sum().item<double>(), expected, 1e-5 * std::abs(expected));
  }
}

TEST_F(Differentiable, RefusesWhatDoesNotFit) {
  const DifferentiableModel model(path_, torch::kCPU, at::kFloat);
  EXPECT_THROW(model.losses(at::zeros({1, 2, 4}), {"a", "b"}), DataError);
  EXPECT_THROW(model.losses(at::zeros({1, 2, 5}), {"a"}), DataError);
  const Tensor embeddings = at::zeros({1, 3, model.width()});
  EXPECT_THROW(model.encode(embeddings, {4}), DataError);
  EXPECT_THROW(model.encode(embeddings, {0}), DataError);
  EXPECT_THROW(model.encode(embeddings, {1, 1}), DataError);
  EXPECT_THROW(model.encode_gradient(embeddings, {3}, at::zeros({1, 1, 4})), DataError);
}

TEST_F(Differentiable, ManyTextsAreComputedInPartsThatCanBeStopped) {
  const DifferentiableModel model(path_, torch::kCPU, at::kDouble);
  std::vector<std::string> texts;
  for (int i = 0; i < 25; ++i) texts.insert(texts.end(), texts_.begin(), texts_.end());
  torch::manual_seed(3);
  const Tensor code = at::randn({4, 2, 4}, at::kDouble);
  const TextLosses few = model.losses(code, texts_), many = model.losses(code.repeat({25, 1, 1}), texts);
  EXPECT_LT(relative_error(many.nats, few.nats.repeat({25})), 1e-12);
  EXPECT_LT(relative_error(many.gradient, few.gradient.repeat({25, 1, 1})), 1e-10);
  class Second : public Progress {
    void update(const char*, int64_t done, int64_t total) override {
      EXPECT_EQ(total, 100);
      if (done > 0) throw Interrupted("stopped");
    }
  } second;
  EXPECT_THROW(model.losses(code.repeat({25, 1, 1}), texts, second), Interrupted);
  const EmbeddedTexts embedded = model.embed(texts);
  EXPECT_THROW(model.encode(embedded.embeddings, embedded.lengths, second), Interrupted);
  EXPECT_THROW(model.encode_gradient(embedded.embeddings, embedded.lengths, at::ones({100, 2, 4}), second),
               Interrupted);
}

}  // namespace
}  // namespace tvae
