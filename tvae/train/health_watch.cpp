#include "tvae/train/health_watch.h"

#include <cmath>
#include <cstdio>

#include "tvae/base/log.h"

namespace tvae {
namespace {

constexpr int64_t kFewestSteps = 100;
constexpr double kNothing = 0.3;   // nats a sequence, by which no two texts can be told apart
constexpr double kStarted = 0.2;   // share of the steps after which a code should carry something
constexpr double kLate = 2.0 / 3;  // and from which the rate should be near its target
constexpr double kFarBelow = 0.6, kFarAbove = 1.4;
constexpr double kWorse = 1.1;  // cross-entropies, as a factor

std::string digits(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

}  // namespace

void HealthWatch::on_log(int64_t, const Metrics& metrics) {
  for (const auto& [name, value] : metrics)
    if (name == "cross_entropy") training_cross_entropy_ = value;
}

void HealthWatch::on_evaluate(int64_t step, const HeldOutEvaluation& evaluation) {
  if (total_steps_ < kFewestSteps || !std::isfinite(evaluation.scores.cross_entropy)) return;
  const auto& target = evaluation.rate_target;
  if (evaluation.scores.kl) judge_rate(step, *evaluation.scores.kl, target);
  if (!target || target->settled)
    judge_reconstruction(step, evaluation.scores.cross_entropy, target ? target->nats : 0);
}

void HealthWatch::judge_rate(int64_t step, double kl, const std::optional<RateTarget>& target) {
  if (loss_.regularizer != "kl" || done(step) < kStarted) return;
  if (kl < kNothing)
    return warn_once("collapse",
                     "the codes carry " + digits(kl) +
                         " nats a sequence, which is nothing: the decoder writes without them, and every text "
                         "has the same code (loss.kl.target steers what they carry)");
  if (!target || done(step) < kLate) return;
  const std::string rate = "the codes carry " + digits(kl) + " nats a sequence where " + digits(target->nats) +
                           " are asked for (loss.kl.target)";
  if (kl < kFarBelow * target->nats)
    warn_once("low rate", rate +
                              ": the training was short, the texts hold less than that, or the code is too small "
                              "(train.minutes; model.latent_tokens, model.latent_size)");
  if (kl > kFarAbove * target->nats)
    warn_once("high rate",
              rate + ": more steps would bring that down, and make the space smoother (train.steps, train.minutes)");
}

void HealthWatch::judge_reconstruction(int64_t step, double cross_entropy, double rate_target) {
  if (!best_ || rate_target < best_->rate_target || cross_entropy < best_->cross_entropy) {
    best_ = Best{step, cross_entropy, training_cross_entropy_, rate_target};
    return;
  }
  if (cross_entropy > kWorse * best_->cross_entropy && training_cross_entropy_ < best_->training_cross_entropy)
    warn_once("by heart", "held-out texts are reconstructed worse than at step " + std::to_string(best_->step) +
                              " (cross-entropy " + digits(cross_entropy) + ", was " + digits(best_->cross_entropy) +
                              ") and those of the training better: they are learnt by heart (fewer train.steps, more "
                              "rows, or model.dropout)");
}

void HealthWatch::warn_once(const std::string& sign, const std::string& message) {
  if (told_.insert(sign).second) log_warning(message);
}

}  // namespace tvae
