// Probes: how well simple classifiers read the labels of texts from their codes (docs/evaluation.md).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tvae/base/error.h"
#include "tvae/ops/rng.h"
#include "tvae/ops/torch.h"

namespace tvae {

/// Labels as numbers: 0 is the first of `names`, which are sorted.
struct ClassLabels {
  std::vector<std::string> names;
  std::vector<int64_t> numbers;  // one a row
};
ClassLabels number_labels(const std::vector<std::string>& labels);

/// Predictions for `test` [M, F] of a support vector machine with an RBF kernel trained on `train` [N, F], by libsvm
/// with the defaults of scikit-learn's SVC: C 1, gamma 1/(F · variance of all of train), one against one, stopping at
/// 1e-3. `classes` has N numbers, of two classes or more. Features must be finite.
std::vector<int64_t> rbf_svm_predictions(const torch::Tensor& train, const std::vector<int64_t>& classes,
                                         const torch::Tensor& test);

/// The probe of Transformer-VAE (2021): an RBF machine on whole codes, tested on the first 30% of the rows and trained
/// on the others.
struct PublishedProbe {
  double accuracy = 0.0;
  double random_accuracy = 0.0;  // of guesses drawn uniformly from all classes (the original never drew the last)
  int64_t train_rows = 0, test_rows = 0, classes = 0;
};
/// `codes` [N, K, D] or [N, F], finite, on any device, one label a row. `rng` draws the guesses. Throws why_no_probe.
/// 2,000 codes of 256 numbers take about a second.
PublishedProbe published_probe(const torch::Tensor& codes, const std::vector<std::string>& labels, Rng& rng);

/// What keeps labels from a published probe: fewer than four rows, or all rows to train on of one class; nullopt where
/// nothing does. `source` names where they come from. For callers that want to know before they have codes.
std::optional<DataError> why_no_probe(const std::vector<std::string>& labels, const std::string& source);

}  // namespace tvae
