// MMD that regularises: multi-scale kernel, standardised codes, a queue of recent codes, and, for a gaussian posterior,
// a pull of its deviation toward a schedule.
#include <cmath>

#include "tvae/base/error.h"
#include "tvae/model/regularizer.h"
#include "tvae/ops/mmd.h"
#include "tvae/ops/on_device.h"

namespace tvae {
namespace {

using torch::Tensor;

constexpr double kStatisticsMomentum = 0.05;  // of the running mean and deviation of the codes

class MmdRegularizer : public Regularizer {
 public:
  MmdRegularizer(const LossConfig& loss, const ModelConfig& model)
      : loss_(loss),
        tokens_(model.latent_tokens),
        size_(model.latent_size),
        queue_(at::zeros({0, tokens_, size_})),
        mean_(at::zeros({tokens_, size_})),
        second_moment_(at::ones({tokens_, size_})) {}

  RegularizerResult operator()(const RegularizerInput& input, Rng& rng) override {
    const Tensor& code = input.posterior.mode();
    move_to(code.device());
    update_statistics(code.detach());
    // The kernels see codes divided by their running deviation, so that they judge shape at any scale; scale_penalty
    // keeps that deviation near one.
    const Tensor deviation = (second_moment_ - mean_.square()).clamp_min(1e-4).sqrt();
    const Tensor x = (code - mean_) / deviation, past = (queue_ - mean_) / deviation;
    RegularizerResult result{scale_penalty(code), {}};
    if (const int64_t n = x.size(0) + past.size(0); n > 1) {  // one code, and none in the queue, has no spread to judge
      const Tensor y = on_device(at::randn({n, tokens_, size_}, rng.generator(), at::kFloat), x.device()).to(x);
      const Tensor whole = multiquadric_mmd(x.flatten(1), y.flatten(1), past.flatten(1));
      result.metrics["mmd"] = step_metric(whole);
      result.value = result.value + whole;
      if (loss_.mmd.token_weight > 0 && tokens_ > 1)
        for (int64_t k = 0; k < tokens_; ++k)
          result.value = result.value +
                         loss_.mmd.token_weight * multiquadric_mmd(x.select(1, k), y.select(1, k), past.select(1, k));
    }
    if (input.posterior.has_variance()) {
      const double target = input.position.progress() < 0.5 ? loss_.mmd.posterior_std : loss_.mmd.posterior_std_final;
      const Tensor ratio = input.posterior.log_variance().exp() / (target * target);
      const Tensor kl = 0.5 * (ratio - 1.0 - ratio.log()).sum() / static_cast<double>(input.tokens);
      result.value = result.value + loss_.mmd.posterior_std_weight * kl;
      result.metrics["posterior_std"] = step_metric(input.posterior.deviation().mean());
    }
    push(code.detach());
    return result;
  }

  TensorMap state() const override {
    return {{"queue", queue_.clone()}, {"mean", mean_.clone()}, {"second_moment", second_moment_.clone()}};
  }
  void load_state(const TensorMap& saved) override {
    for (const char* name : {"queue", "mean", "second_moment"})
      if (saved.find(name) == saved.end()) throw CheckpointError("the checkpoint lacks the mmd regularizer's", name);
    queue_ = saved.at("queue").clone();
    mean_ = saved.at("mean").clone();
    second_moment_ = saved.at("second_moment").clone();
  }

 private:
  /// Mean 0 and variance 1 in every dimension over the batch.
  static Tensor scale_penalty(const Tensor& code) {
    if (code.size(0) < 2) return at::zeros({}, code.options());
    const Tensor variance = code.var(0, /*unbiased=*/true);
    return (code.mean(0).square() + (variance.clamp_min(1e-6).sqrt() - 1.0).square()).mean();
  }

  void update_statistics(const Tensor& code) {
    mean_ = mean_.lerp(code.mean(0), kStatisticsMomentum);
    second_moment_ = second_moment_.lerp(code.square().mean(0), kStatisticsMomentum);
  }

  void push(const Tensor& code) {
    const Tensor all = at::cat({code, queue_});
    queue_ = all.narrow(0, 0, std::min(all.size(0), loss_.mmd.queue)).clone();
  }

  void move_to(torch::Device device) {
    queue_ = on_device(queue_, device);
    mean_ = on_device(mean_, device);
    second_moment_ = on_device(second_moment_, device);
  }

  LossConfig loss_;
  int64_t tokens_, size_;
  Tensor queue_;                 // [Q, K, D] newest first
  Tensor mean_, second_moment_;  // [K, D] running
};

const Register<RegularizerFactory> registered(
    regularizers(),
    {"mmd", "MMD that regularises: several scales, standardised codes, a queue of recent ones",
     [](const LossConfig& loss, const ModelConfig& model) { return std::make_unique<MmdRegularizer>(loss, model); }});

}  // namespace
}  // namespace tvae
