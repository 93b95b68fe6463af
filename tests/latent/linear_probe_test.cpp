#include "tvae/latent/linear_probe.h"

#include <gtest/gtest.h>

#include <numeric>

#include "tests/support/fixture.h"

namespace tvae {
namespace {

using torch::Tensor;

constexpr double kStop = 1e-8;

class LinearProbe : public testing::TestWithParam<std::pair<LinearClassifier::Kind, const char*>> {
 protected:
  LinearProbe() : fixture_("probes"), train_(feature_rows(fixture_["train"])), test_(feature_rows(fixture_["test"])) {
    const Tensor& classes = fixture_["classes"];
    for (int64_t i = 0; i < classes.numel(); ++i) classes_.push_back(classes[i].item<int64_t>());
  }
  /// Rows whose class is not `without`.
  std::vector<size_t> rows(int64_t without) const {
    std::vector<size_t> found;
    for (size_t i = 0; i < classes_.size(); ++i)
      if (classes_[i] != without) found.push_back(i);
    return found;
  }
  Tensor scores(const std::vector<size_t>& rows) const {
    return linear_scores({GetParam().first, kStop}, train_, classes_, rows, 3, test_);
  }
  const Tensor& expected(const std::string& name) const {
    return fixture_[std::string(GetParam().second) + "." + name];
  }

  const test::Fixture fixture_;
  const std::vector<FeatureRow> train_, test_;
  std::vector<int64_t> classes_;
};

// Both are stopped at 1e-8 of a gradient of less than 400. The objective's curvature is at least 1, so weights are as
// near their optimum as 4e-6, and no row is longer than 10.
constexpr double kStopping = 1e-4;

TEST_P(LinearProbe, ScoresAreScikitLearns) {
  EXPECT_LT((scores(rows(-1)) - expected("scores")).abs().max().item<double>(), kStopping);
}

TEST_P(LinearProbe, TwoClassesAreOneClassifierAndTheThirdIsNeverChosen) {
  const Tensor found = scores(rows(1));
  EXPECT_LT((found.select(1, 2) - expected("scores_of_two")).abs().max().item<double>(), kStopping);
  EXPECT_TRUE(found.select(1, 0).equal(-found.select(1, 2)));
  EXPECT_TRUE(found.select(1, 1).isneginf().all().item<bool>());
}

TEST_P(LinearProbe, ValuesThatAreLeftOutAreZero) {
  std::vector<FeatureRow> dense = train_, sparse = train_;
  for (FeatureRow& row : dense) row[4].second = row[1].second = 0.0;
  for (FeatureRow& row : sparse) row = {row[0], row[2], row[3]};
  const std::vector<size_t> all = rows(-1);
  const Tensor from_dense = linear_scores({GetParam().first, kStop}, dense, classes_, all, 3, test_);
  const Tensor from_sparse = linear_scores({GetParam().first, kStop}, sparse, classes_, all, 3, test_);
  EXPECT_LT((from_dense - from_sparse).abs().max().item<double>(), kStopping);
}

TEST_P(LinearProbe, WeightsGiveTheScoresOfTheSecondOfTwoClasses) {
  const std::vector<size_t> two = rows(2);
  std::vector<int64_t> indices(two.begin(), two.end()), classes;
  for (const size_t row : two) classes.push_back(classes_[row]);
  const LinearClassifier classifier{GetParam().first, kStop};
  const Tensor features = fixture_["train"].to(at::kDouble);
  const LinearWeights fitted =
      linear_weights(classifier, features.index_select(0, torch::tensor(indices, at::kLong)), classes);
  const Tensor from_weights = at::mv(fixture_["test"].to(at::kDouble), fitted.weights) + fitted.intercept;
  const Tensor expected = linear_scores(classifier, train_, classes_, two, 2, test_).select(1, 1);
  EXPECT_LT((from_weights - expected).abs().max().item<double>(), 1e-9);  // the same weights
}

INSTANTIATE_TEST_SUITE_P(Classifiers, LinearProbe,
                         testing::Values(std::pair{LinearClassifier::Kind::kSvm, "svm"},
                                         std::pair{LinearClassifier::Kind::kLogistic, "logistic"}),
                         [](const auto& test) { return std::string(test.param.second); });

}  // namespace
}  // namespace tvae
