// KL to N(0, I): with free bits as OPTIMUS defines them, or with its weight steered so that the rate meets a target.
#include <cmath>

#include "tvae/base/error.h"
#include "tvae/model/regularizer.h"

namespace tvae {
namespace {

constexpr double kSmallestWeight = 1e-4, kLargestWeight = 10.0;

class KlRegularizer : public Regularizer {
 public:
  explicit KlRegularizer(const LossConfig& loss) : loss_(loss), weight_(loss.kl.weight) {}

  RegularizerResult operator()(const RegularizerInput& input, Rng&) override {
    const torch::Tensor kl = input.posterior.rate();
    const auto sequences = static_cast<double>(kl.size(0));
    const double nats = kl.detach().sum().item<double>() / sequences;
    if (!std::isfinite(nats))
      throw Error(ExitCode::kData,
                  "training diverged: the KL at step " + std::to_string(input.position.step + 1) + " is not finite", "",
                  "",
                  "a lower train.learning_rate or a longer train.warmup_steps may help; the last checkpoint is kept");
    RegularizerResult result;
    result.metrics["kl"] = nats;
    const torch::Tensor charged = loss_.kl.free_bits > 0 ? kl * (kl > loss_.kl.free_bits).to(kl.scalar_type()) : kl;
    // A mean loss is in nats a token: the KL is spread over the tokens too, so that weight 1 is the ELBO.
    const double scale = loss_.reduction == "mean" ? 1.0 / static_cast<double>(input.tokens) : 1.0;
    double weight = 1.0;
    if (loss_.kl.target > 0) {
      if (input.position.step != steered_step_) steer(nats, input.position);  // once a step, not a micro-batch
      weight = weight_;
      result.metrics["kl_weight"] = weight_;
      result.metrics["kl_target"] = target_;
    }
    result.value = charged.sum() * (scale * weight);
    return result;
  }

  TensorMap state() const override { return {{"kl_weight", torch::tensor(weight_, torch::kDouble)}}; }
  void load_state(const TensorMap& saved) override {
    const auto found = saved.find("kl_weight");
    if (found == saved.end()) throw CheckpointError("the checkpoint lacks the state of the kl regularizer");
    weight_ = found->second.item<double>();
  }

 private:
  /// Integral control of log(weight): above the target the KL gets dearer, below it cheaper.
  void steer(double nats, const TrainingPosition& position) {
    steered_step_ = position.step;
    const double fallen =
        loss_.kl.target_descent > 0 ? std::min(1.0, position.progress() / loss_.kl.target_descent) : 1.0;
    const double start = std::max(loss_.kl.target_start, loss_.kl.target);
    target_ = start * std::pow(loss_.kl.target / start, fallen);
    const double error = std::clamp((nats - target_) / target_, -1.0, 1.0);
    weight_ = std::clamp(weight_ * std::exp(loss_.kl.target_rate * error), kSmallestWeight, kLargestWeight);
  }

  LossConfig loss_;
  double weight_;
  double target_ = 0.0;  // of the step, in nats
  int64_t steered_step_ = -1;
};

std::unique_ptr<Regularizer> make(const LossConfig& loss, const ModelConfig& model) {
  if (!bottleneck_traits(model).has_variance)
    throw ConfigError("loss.regularizer kl needs a code with a variance",
                      "model.bottleneck " + model.bottleneck + ", model.posterior " + model.posterior,
                      "queries, gaussian", "mmd works for deterministic codes");
  return std::make_unique<KlRegularizer>(loss);
}

const Register<RegularizerFactory> registered(regularizers(),
                                              {"kl", "KL divergence to N(0, I), its weight steered or scheduled",
                                               make});

}  // namespace
}  // namespace tvae
