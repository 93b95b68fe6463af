#include "tvae/model/regularizer.h"

#include <cmath>

namespace tvae {

Registry<RegularizerFactory>& regularizers() {
  static Registry<RegularizerFactory> registry("loss.regularizer");
  return registry;
}

namespace {

const Register<RegularizerFactory> none(regularizers(),
                                        {"none", "nothing: an autoencoder",
                                         [](const LossConfig&, const ModelConfig&) -> std::unique_ptr<Regularizer> {
                                           return nullptr;
                                         }});

}  // namespace

std::unique_ptr<Regularizer> make_regularizer(const LossConfig& loss, const ModelConfig& model) {
  return regularizers().find(loss.regularizer)(loss, model);
}

double regularizer_weight(const LossConfig& loss, const TrainingPosition& position) {
  const double progress = position.progress();
  if (loss.regularizer_schedule == "sigmoid") {
    const double x = static_cast<double>(position.step) * loss.schedule.k - loss.schedule.b;
    return loss.regularizer_weight / (1.0 + std::exp(-x));
  }
  if (loss.regularizer_schedule == "linear") {
    const double span = loss.schedule.end - loss.schedule.start;
    const double risen =
        span > 0 ? (progress - loss.schedule.start) / span : (progress >= loss.schedule.end ? 1.0 : 0.0);
    return loss.regularizer_weight * std::clamp(risen, 0.0, 1.0);
  }
  if (loss.regularizer_schedule == "cyclical") {  // OPTIMUS: zero, then a linear rise, then the full weight
    const double cycle = std::min(progress, 1.0) * static_cast<double>(loss.kl.cycles);
    const double within = progress >= 1.0 ? 1.0 : cycle - std::floor(cycle);
    if (within < loss.kl.cycle_zero) return 0.0;
    if (loss.kl.cycle_increase <= 0) return loss.regularizer_weight;
    return loss.regularizer_weight * std::min(1.0, (within - loss.kl.cycle_zero) / loss.kl.cycle_increase);
  }
  return loss.regularizer_weight;
}

}  // namespace tvae
