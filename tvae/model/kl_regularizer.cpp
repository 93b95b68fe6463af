// KL to N(0, I): with free bits as OPTIMUS defines them, or with its weight steered so that the rate meets a target.
//
// The target falls over a share of the training from a high one to the one that is wanted. With a floor it falls
// faster, and below that, for as long as held-out texts come back: the lowest rate at which they do makes the smoothest
// space. Taming VAEs (Rezende & Viola 2018) steers by a tolerance of the reconstruction too.
#include <algorithm>
#include <cmath>

#include "tvae/base/error.h"
#include "tvae/model/regularizer.h"
#include "tvae/ops/on_device.h"

namespace tvae {
namespace {

constexpr double kLastFall = 0.8;  // share of training from which it falls on no more, since weights have to follow
constexpr double kSmallestWeight = 1e-4, kLargestWeight = 10.0;

class KlRegularizer : public Regularizer {
 public:
  explicit KlRegularizer(const LossConfig& loss) : loss_(loss), weight_(step_metric(loss.kl.weight)) {}

  RegularizerResult operator()(const RegularizerInput& input, Rng&) override {
    const torch::Tensor kl = input.posterior.rate();
    const auto sequences = static_cast<double>(kl.size(0));
    const torch::Tensor nats = step_metric(kl.sum()) / sequences;
    if (nats.is_cpu() && !std::isfinite(nats.item<double>()))  // elsewhere the step would wait; its gradients show it
      throw Error(ExitCode::kData,
                  "training diverged: the KL at step " + std::to_string(input.position.step + 1) + " is not finite", "",
                  "",
                  "a lower train.learning_rate or a longer train.warmup_steps may help; the last checkpoint is kept");
    RegularizerResult result;
    result.metrics["kl"] = nats;
    const torch::Tensor charged = loss_.kl.free_bits > 0 ? kl * (kl > loss_.kl.free_bits).to(kl.scalar_type()) : kl;
    // A mean loss is in nats a token: the KL is spread over the tokens too, so that weight 1 is the ELBO.
    const double scale = loss_.reduction == "mean" ? 1.0 / static_cast<double>(input.tokens) : 1.0;
    result.value = charged.sum();
    if (loss_.kl.target <= 0) {
      result.value = result.value * scale;
      return result;
    }
    if (input.position.step != steered_step_) steer(nats, input.position);  // once a step, not a micro-batch
    result.value = result.value * (weight_ * scale).to(result.value.scalar_type());
    result.metrics["kl_weight"] = weight_;
    result.metrics["kl_target"] = step_metric(target_);
    return result;
  }

  void on_held_out(double nats) override {
    comes_back_ = nats <= loss_.kl.target_tolerance;
    fallen_before_ = fallen_;
  }

  std::optional<RateTarget> rate_target(const TrainingPosition& position) const override {
    if (loss_.kl.target <= 0) return std::nullopt;
    return RateTarget{target_at(position), position.progress() >= loss_.kl.target_descent && fallen_ == fallen_before_};
  }

  TensorMap state() const override {
    TensorMap saved = {{"kl_weight", weight_.clone()}};
    if (has_floor()) {
      saved["kl_fallen"] = torch::tensor(fallen_, torch::kDouble);
      saved["kl_fallen_before"] = torch::tensor(fallen_before_, torch::kDouble);
      saved["kl_comes_back"] = torch::tensor(comes_back_ ? 1.0 : 0.0, torch::kDouble);
    }
    return saved;
  }
  void load_state(const TensorMap& saved) override {
    const auto read = [&](const std::string& name) {
      const auto found = saved.find(name);
      if (found == saved.end()) throw CheckpointError("the checkpoint lacks " + name + " of the kl regularizer");
      return found->second;
    };
    weight_ = read("kl_weight").clone();
    if (!has_floor()) return;
    fallen_ = read("kl_fallen").item<double>();
    fallen_before_ = read("kl_fallen_before").item<double>();
    comes_back_ = read("kl_comes_back").item<double>() != 0;
  }

 private:
  bool has_floor() const { return loss_.kl.target_floor > 0 && loss_.kl.target_floor < loss_.kl.target; }
  double start() const { return std::max(loss_.kl.target_start, loss_.kl.target); }
  /// How far the target may fall for texts that come back, as a logarithm.
  double deepest() const { return std::log(loss_.kl.target / loss_.kl.target_floor); }
  bool falls_on(const TrainingPosition& position) const {
    return has_floor() && comes_back_ && fallen_ < deepest() && position.progress() < kLastFall;
  }

  double target_at(const TrainingPosition& position) const {
    const double descent = loss_.kl.target_descent;
    const double descended = descent > 0 ? std::min(1.0, position.progress() / descent) : 1.0;
    return start() * std::pow(loss_.kl.target / start(), descended) * std::exp(-fallen_);
  }

  /// Integral control of log(weight): above the target the KL gets dearer, below it cheaper.
  void steer(const torch::Tensor& nats, const TrainingPosition& position) {
    steered_step_ = position.step;
    const double descent = loss_.kl.target_descent, whole_way = std::log(start() / loss_.kl.target);
    if (falls_on(position)) {  // as fast as it falls at first, or as reaches the floor in as long
      const double pace = std::max(whole_way, deepest()) / std::max(descent, 0.1);
      fallen_ = std::min(deepest(), fallen_ + pace / static_cast<double>(position.total_steps));
    }
    target_ = target_at(position);
    const torch::Tensor error = ((nats - target_) / target_).clamp(-1.0, 1.0);
    const torch::Tensor factor = (error * loss_.kl.target_rate).exp();
    weight_ = (on_device(weight_, nats.device()) * factor).clamp(kSmallestWeight, kLargestWeight);
  }

  LossConfig loss_;
  torch::Tensor weight_;        // fp64, on the device of the codes
  double target_ = 0.0;         // of the step, in nats
  double fallen_ = 0.0;         // for texts that come back, as a logarithm
  double fallen_before_ = 0.0;  // at the last evaluation
  bool comes_back_ = false;     // what was held out, at the last evaluation
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
