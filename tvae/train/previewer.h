// What a run shows of its model at each evaluation: an interpolation between two held-out texts, samples from the
// prior, and how well an SVM tells the classes of labelled texts by their codes.
#pragma once

#include <memory>

#include "tvae/ops/rng.h"
#include "tvae/train/observer.h"
#include "tvae/train/setup.h"
#include "tvae/validity/validity.h"

namespace tvae {

class Previewer {
 public:
  /// `setup`, with held-out texts, outlives it.
  explicit Previewer(const TrainingSetup& setup);

  /// The texts chosen and the samples drawn depend on train.seed and the step alone, so a resumed run shows what an
  /// uninterrupted one does. Appends its figures to `metrics`: interpolation_valid (share of the nine points between
  /// the ends that pass the data's check), sample_valid, svm_classification_test_accuracy and
  /// random_classification_test_accuracy (published names).
  Preview operator()(int64_t step, Metrics& metrics);

 private:
  std::vector<PreviewText> interpolation(Rng& rng);
  std::vector<PreviewText> samples(Rng& rng);
  void probe(Rng& rng, Metrics& metrics);
  void check(std::vector<PreviewText>& texts);
  std::string held_out_text(int64_t index) const;

  const TrainingSetup& setup_;
  std::unique_ptr<ValidityCheck> check_;
};

}  // namespace tvae
