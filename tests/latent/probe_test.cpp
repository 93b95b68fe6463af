#include "tvae/latent/probe.h"

#include <gtest/gtest.h>

#include "tests/support/fixture.h"

namespace tvae {
namespace {

using torch::Tensor;

std::vector<int64_t> numbers(const Tensor& values) {
  const Tensor flat = values.to(at::kLong).contiguous();
  return {flat.const_data_ptr<int64_t>(), flat.const_data_ptr<int64_t>() + flat.numel()};
}

/// Codes [rows, 2, 3] around a point of each class, and their labels in turn.
struct Blobs {
  Tensor codes;
  std::vector<std::string> labels;
};
Blobs blobs(int64_t rows, const std::vector<std::string>& names) {
  torch::manual_seed(1);
  Blobs made{0.1 * torch::randn({rows, 2, 3}), {}};
  for (int64_t row = 0; row < rows; ++row) {
    const auto number = row % static_cast<int64_t>(names.size());
    made.codes[row] += static_cast<double>(number);
    made.labels.push_back(names[static_cast<size_t>(number)]);
  }
  return made;
}

TEST(Probe, RbfMachinePredictsAsScikitLearns) {
  const test::Fixture fixture("probes");
  testing::internal::CaptureStdout();
  const std::vector<int64_t> predictions =
      rbf_svm_predictions(fixture["train"], numbers(fixture["classes"]), fixture["test"]);
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "") << "libsvm may not print";
  EXPECT_EQ(predictions, numbers(fixture["svc"]));
}

TEST(Probe, RbfMachineTakesFeaturesThatDoNotVary) {
  EXPECT_EQ(rbf_svm_predictions(torch::ones({5, 2}), {0, 1, 1, 0, 1}, torch::ones({3, 2})),
            (std::vector<int64_t>{1, 1, 1}));
}

TEST(Probe, LabelsAreNumberedInOrderOfTheirNames) {
  const ClassLabels classes = number_labels({"b", "a", "c", "b"});
  EXPECT_EQ(classes.names, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(classes.numbers, (std::vector<int64_t>{1, 0, 2, 1}));
}

TEST(Probe, PublishedProbeTestsOnTheFirstThirtyPercent) {
  Blobs data = blobs(100, {"cold", "mild", "warm"});
  Rng rng(1);
  const PublishedProbe probe = published_probe(data.codes, data.labels, rng);
  EXPECT_EQ(probe.test_rows, 30);
  EXPECT_EQ(probe.train_rows, 70);
  EXPECT_EQ(probe.classes, 3);
  EXPECT_EQ(probe.accuracy, 1.0);
  EXPECT_EQ(published_probe(data.codes.flatten(1), data.labels, rng).accuracy, 1.0);
  for (size_t i = 0; i < 30; ++i) data.labels[i] = "never trained on";
  EXPECT_EQ(published_probe(data.codes, data.labels, rng).accuracy, 0.0);
}

TEST(Probe, RandomBaselineDrawsEveryClass) {
  const Blobs data = blobs(20000, {"a", "b"});
  Blobs last = data;
  for (size_t i = 0; i < 6000; ++i) last.labels[i] = "b";
  Rng rng(3);
  // The share of right guesses among 6,000 at probability 1/2 deviates by 0.0065; five times that.
  EXPECT_NEAR(published_probe(last.codes, last.labels, rng).random_accuracy, 0.5, 0.033);
}

TEST(Probe, LabelsThatAllowNoPublishedProbeAreRefused) {
  const auto refusal = [](const std::vector<std::string>& labels) {
    const std::optional<DataError> error = why_no_probe(labels, "valid.tsv");
    return error ? std::string(error->what()) : "";
  };
  EXPECT_EQ(refusal({"a", "a", "b", "b"}), "");
  EXPECT_NE(refusal({"a", "b", "b"}).find("valid.tsv: too few labelled rows for a probe: got 3"), std::string::npos);
  EXPECT_NE(refusal({"a", "a", "a", "a"}).find("valid.tsv: the label column has one class: got \"a\""),
            std::string::npos);
  EXPECT_NE(refusal({"a", "b", "b", "b"})
                .find("valid.tsv: after the first 30%, which test a probe, all labels are one "
                      "class: got \"b\" (shuffle the rows)"),
            std::string::npos)
      << refusal({"a", "b", "b", "b"});
  Rng rng(1);
  EXPECT_THROW(published_probe(torch::zeros({4, 2}), {"a", "a", "a", "a"}, rng), DataError);
}

}  // namespace
}  // namespace tvae
