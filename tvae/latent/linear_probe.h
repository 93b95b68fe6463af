// Linear classifiers on dense or sparse features, by liblinear: what probes of codes are fitted with.
#pragma once

#include <utility>
#include <vector>

#include "tvae/ops/torch.h"

namespace tvae {

/// The features of one row that are not 0: column from 0 and value, columns ascending.
using FeatureRow = std::vector<std::pair<int32_t, double>>;

/// The rows of a matrix [N, F], on any device.
std::vector<FeatureRow> feature_rows(const torch::Tensor& features);

/// One class against the rest, with an intercept that is regularised like a weight, C 1. Solved in the primal: without
/// random numbers, so that a fit depends on nothing but its rows.
struct LinearClassifier {
  enum class Kind {
    kSvm,       // squared hinge loss (L2R_L2LOSS_SVC), with the optimum of scikit-learn's LinearSVC
    kLogistic,  // L2R_LR, with that of LogisticRegression(solver="liblinear")
  };
  Kind kind = Kind::kSvm;
  double stop = 0.01;  // share of the first gradient's norm, as in liblinear's own programs; scikit-learn stops at 1e-4
};

/// Decision values [test, classes] (fp64, -infinity for classes without a row to train on) of a classifier trained on
/// the rows `train` of `features`, which are of classes 0 … class_count - 1, of two or more. May be called from several
/// threads at once.
torch::Tensor linear_scores(const LinearClassifier& classifier, const std::vector<FeatureRow>& features,
                            const std::vector<int64_t>& classes, const std::vector<size_t>& train, int64_t class_count,
                            const std::vector<FeatureRow>& test);

/// The decision value of class 1 against class 0 as a function of features: weights · features + intercept.
struct LinearWeights {
  torch::Tensor weights;  // [F] fp64
  double intercept = 0.0;
};
/// Of a classifier trained on dense features [N, F], each row of class 0 or 1, both of which there must be.
LinearWeights linear_weights(const LinearClassifier& classifier, const torch::Tensor& features,
                             const std::vector<int64_t>& classes);

}  // namespace tvae
