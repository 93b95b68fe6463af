#include "tvae/train/trainer.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <utility>

#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/log.h"
#include "tvae/base/mix64.h"
#include "tvae/base/ranges.h"
#include "tvae/base/strings.h"
#include "tvae/run/model_card.h"
#include "tvae/train/health_watch.h"
#include "tvae/train/held_out_scores.h"
#include "tvae/train/metric_log.h"
#include "tvae/train/model_files.h"
#include "tvae/train/observer_list.h"
#include "tvae/train/previewer.h"

namespace tvae {
namespace {

using Clock = std::chrono::steady_clock;

int64_t planned_steps(const TrainConfig& config, int64_t batches_per_epoch) {
  if (config.steps > 0) return config.steps;
  if (config.epochs == 0.0) log_warning("train.steps and train.epochs are both 0: a single step");
  const double batches = config.epochs * static_cast<double>(batches_per_epoch);
  return std::max<int64_t>(1,
                           static_cast<int64_t>(std::ceil(batches / static_cast<double>(config.accumulation_steps))));
}

/// Of a floor that the rate will not fall to.
void warn_of_floor(const KlConfig& kl, bool evaluates) {
  if (kl.target_floor <= 0) return;
  if (kl.target_floor >= kl.target)
    log_warning("loss.kl.target_floor is not below loss.kl.target, so that the rate stays there");
  else if (!evaluates)
    log_warning(
        "nothing is evaluated, so that the rate stays at loss.kl.target (loss.kl.target_floor needs held-out rows "
        "and train.eval_steps)");
}

}  // namespace

BatchOptions batch_options(const TrainConfig& config) {
  BatchOptions options;
  options.batch_size = config.batch_size;
  options.batch_tokens = config.batch_tokens;
  options.seed = config.seed;
  return options;
}

Trainer::Trainer(TrainingSetup& setup, const RunDirectory* run, Communicator& communicator)
    : setup_(setup),
      run_(run),
      communicator_(communicator),
      config_(setup.config.train),
      batcher_(setup.train, batch_options(setup.config.train)),
      step_(setup.model.vae, setup.config, communicator),
      evaluates_(communicator.any(setup.valid.has_value())),
      has_plan_(communicator.any(setup.plan.has_value())) {
  state_.position.total_steps = planned_steps(config_, batcher_.batches_per_epoch());
  state_.rng = Rng(mix64(static_cast<uint64_t>(config_.seed)) + 1);
  state_.data.push_back(hex(setup.train.fingerprint()));
  if (setup.valid) state_.data.push_back(hex(setup.valid->fingerprint()));
  if (setup.config.loss.regularizer == "kl") warn_of_floor(setup.config.loss.kl, evaluates_ && config_.eval_steps > 0);
  if (communicator.size() > 1 && batcher_.fewest_sequences() < communicator.size())
    throw ConfigError("batches of " + std::to_string(batcher_.fewest_sequences()) + " sequences for " +
                          std::to_string(communicator.size()) + " processes",
                      "", "one for each at least",
                      "a larger train.batch_size or train.batch_tokens, or fewer processes");
  if (config_.previews && setup.valid) previewer_ = std::make_unique<Previewer>(setup);
}

Trainer::~Trainer() = default;

void Trainer::run(Progress& progress, const std::vector<TrainingObserver*>& observers) {
  std::optional<MetricLog> log;
  HealthWatch health(setup_.config.loss);
  std::vector<TrainingObserver*> all;
  if (run_ != nullptr) {
    all = {&log.emplace(run_->file("logs"), step()), &health};
    all.insert(all.end(), observers.begin(), observers.end());
    warn_of_own_card(run_->path());
  }
  ObserverList told(std::move(all));
  const auto due = [&](int64_t every) { return every > 0 && step() % every == 0; };
  told.on_train_begin(step(), total_steps(), state_.seconds);
  const auto judge = [&] {
    const HeldOutEvaluation evaluation = evaluate();
    told.on_evaluate(step(), evaluation);
    take(evaluation);
  };
  // What is to be bettered, where a run starts from a model: training can make it worse.
  const bool starts_from_model = communicator_.any(!setup_.record.from.empty());
  if (step() == 0 && starts_from_model && evaluates_ && config_.eval_steps > 0) judge();
  bool stop = communicator_.any(told.interrupted());
  if (stop) save();
  while (!finished() && !stop) {
    train_step();
    if (plan_together()) told.on_new_plan(total_steps());
    told.on_step_end(step());
    const bool judges = evaluates_ && (due(config_.eval_steps) || step() == total_steps());
    if (judges || due(config_.log_steps) || due(config_.save_steps) || finished()) require_finite();
    if (due(config_.log_steps)) told.on_log(step(), close_interval());
    if (judges) judge();
    const bool asked = asks_to_stop(progress);
    stop = communicator_.any(asked || told.interrupted());
    if (stop) require_finite();
    if (stop || due(config_.save_steps) || finished()) save();
  }
  if (!finished())
    throw Interrupted("interrupted at step " + std::to_string(step()) + " of " + std::to_string(total_steps()) +
                      "; the state is saved");
  told.on_train_end(step());
}

void Trainer::train_step() {
  const auto start = Clock::now();
  std::vector<TokenBatch> batches;
  StepSizes sizes{0, config_.accumulation_steps};
  for (int64_t i = 0; i < config_.accumulation_steps; ++i) {
    batches.push_back(batcher_.next());
    sizes.tokens += batches.back().tokens();
  }
  state_.batch = batcher_.position();
  MetricInterval& interval = state_.interval;
  for (const TokenBatch& batch : batches)
    for (const auto& [name, value] : step_.accumulate(batch, sizes, state_.position, state_.rng))
      interval.add(name, value);
  const TrainStep::Report report = step_.apply(state_.position);
  interval.add("gradient_norm", report.gradient_norm);
  learning_rate_ = report.learning_rate;
  ++state_.position.step;
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  interval.tokens += sizes.tokens;
  interval.seconds += seconds;
  state_.seconds += seconds;
}

/// Before anything is made of the weights, and when the log is written anyway: each step by itself would wait for a
/// GPU.
void Trainer::require_finite() {
  const auto start = Clock::now();
  const auto norms = state_.interval.sums.find("gradient_norm");
  if (norms != state_.interval.sums.end()) TrainStep::require_finite_gradients(norms->second.sum, step());
  // A GPU was asked for these steps, and has done them only now.
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  state_.interval.seconds += seconds;
  state_.seconds += seconds;
}

bool Trainer::plan_together() {
  if (!has_plan_) return false;
  const bool changed = plan_again();
  const std::string config = communicator_.text_of_first(changed ? to_json(setup_.config).dump() : "");
  if (communicator_.is_first() || config.empty()) return changed;
  setup_.config = run_config_from_json(nlohmann::ordered_json::parse(config));
  state_.position.total_steps = setup_.config.train.steps;
  return true;
}

bool Trainer::plan_again() {
  constexpr std::array kShares = {0.05, 0.15};  // of the steps or the time, when the schedules have hardly begun
  constexpr int64_t kFewestSteps = 5;
  constexpr double kSame = 0.1;
  if (!setup_.plan || plans_ == kShares.size() || step() < kFewestSteps) return false;
  if (std::max(state_.position.progress(), state_.seconds / (60 * config_.minutes)) < kShares[plans_]) return false;
  ++plans_;
  require_finite();  // and what a GPU has been asked for is done, so that its time is known
  const double seconds_a_step = state_.seconds / static_cast<double>(step());
  const int64_t before = total_steps();
  const int64_t now =
      std::max(step() + 1, std::min(setup_.plan->most_steps, steps_within(config_.minutes, seconds_a_step)));
  const double factor = static_cast<double>(now) / static_cast<double>(before);
  if (std::abs(factor - 1) < kSame) return false;
  for (RunConfig* config : {&setup_.config, &setup_.record.config, &setup_.record.requested}) {
    config->train.steps = now;
    for (const auto paced : setup_.plan->paced)
      config->train.*paced = std::max<int64_t>(1, std::llround(factor * static_cast<double>(config->train.*paced)));
  }
  state_.position.total_steps = now;
  char seconds[16];
  std::snprintf(seconds, sizeof seconds, "%.2g", seconds_a_step);
  log_info("a step takes " + std::string(seconds) + " s, so that " + counted(now, "step") + " fit into the time, not " +
           std::to_string(before));
  return true;
}

/// What the log says of the interval that ends here; a new one begins.
Metrics Trainer::close_interval() {
  const MetricInterval interval = std::exchange(state_.interval, {});
  Metrics metrics;
  for (const char* name : {"loss", "cross_entropy", "regularizer"}) metrics.emplace_back(name, interval.mean(name));
  metrics.emplace_back("learning_rate", learning_rate_);
  metrics.emplace_back("tokens_per_second", static_cast<double>(interval.tokens) / std::max(interval.seconds, 1e-9));
  metrics.emplace_back("seconds", state_.seconds);
  const size_t listed = metrics.size();
  for (const auto& [name, sum] : interval.sums) {
    const auto is_named = [&name = name](const auto& metric) { return metric.first == name; };
    if (std::none_of(metrics.begin(), metrics.begin() + listed, is_named)) metrics.emplace_back(name, sum.mean());
  }
  return metrics;
}

HeldOutEvaluation Trainer::evaluate() {
  HeldOutEvaluation found;
  found.rate_target = step_.objective().rate_target(state_.position);
  step_.with_average([&] {
    if (setup_.valid) found.scores = evaluate_held_out(setup_.model.vae, *setup_.valid, setup_.config.data.max_valid);
    share(found.scores);
    found.metrics = {{"valid_cross_entropy", found.scores.cross_entropy},
                     {"valid_nats", found.scores.nats},
                     {"valid_token_accuracy", found.scores.token_accuracy}};
    if (found.scores.kl) found.metrics.emplace_back("valid_kl", *found.scores.kl);
    if (previewer_ && std::isfinite(found.scores.cross_entropy)) found.preview = (*previewer_)(step(), found.metrics);
  });
  return found;
}

void Trainer::share(HeldOutScores& scores) {
  const torch::Tensor numbers = torch::tensor(
      {scores.cross_entropy, scores.token_accuracy, scores.nats, scores.kl.value_or(0), scores.kl ? 1.0 : 0.0},
      at::kDouble);
  communicator_.broadcast({numbers}, 0);
  const double* of_first = numbers.const_data_ptr<double>();
  scores = {of_first[0], of_first[1], of_first[4] != 0 ? std::optional(of_first[3]) : std::nullopt, of_first[2]};
}

/// Saves the model where the score is the best so far and those weights are to be kept. No score is one to beat while
/// the rate falls, since codes that carry more give texts back better.
void Trainer::take(const HeldOutEvaluation& evaluation) {
  const HeldOutScores& scores = evaluation.scores;
  state_.last_scores = scores;
  step_.objective().on_held_out(scores.nats);
  const auto& target = evaluation.rate_target;
  if (target && !target->settled && step() < total_steps()) return;
  if (state_.best.take(step(), scores.cross_entropy, target ? target->nats : 0) && config_.save_model == "best")
    keep_model();
}

bool Trainer::asks_to_stop(Progress& progress) const {
  try {
    progress.update("training", step(), total_steps());
    return false;
  } catch (const Interrupted&) {
    return true;
  }
}

bool Trainer::finished() const {
  const int64_t patience = config_.early_stop_evaluations;
  return step() >= total_steps() || (patience > 0 && state_.best.evaluations_since >= patience);
}

void Trainer::keep_model() {
  step_.with_average([&] {
    const TensorMap now = weights();
    if (run_ != nullptr) save_model_files(run_->path(), now);
  });
}

void Trainer::save() {
  if (config_.save_model == "last" || state_.best.step < 0) keep_model();
  Checkpoint saved;
  saved.add("model", weights());
  saved.add("optimizer", step_.optimizer_state());
  saved.add("average", step_.average_state());
  if (run_ == nullptr) return;
  saved.add("objective", step_.objective().state());
  saved.state = training_state_to_json(state_, finished());
  save_checkpoint(run_->path(), saved);
}

void Trainer::restore(const Checkpoint& saved, bool extended) {
  TrainingState state = training_state_from_json(saved.state);
  if (run_ != nullptr && state.data != state_.data)
    throw CheckpointError("the data changed since the checkpoint",
                          setup_.config.data.train + (setup_.valid ? " or " + setup_.config.data.valid : ""),
                          "the same rows");
  const auto& [at, total] = state.position;
  if (at < 0 || at > total_steps())
    throw CheckpointError("the checkpoint is of step " + std::to_string(at), "",
                          "a step of " + range_text(0, static_cast<double>(total_steps())));
  if (total != total_steps() && !extended)
    throw CheckpointError("the checkpoint plans " + std::to_string(total) + " steps", std::to_string(total_steps()));
  batcher_.seek(state.batch);
  state.position.total_steps = total_steps();
  if (extended) state.best.evaluations_since = 0;  // where these had ended it
  state_ = std::move(state);
  step_.load_weights(saved.part("model"));
  step_.load_states(saved.part("optimizer"), saved.part("average"));
  step_.objective().load_state(saved.part("objective"));
}

void Trainer::save_model_files(const std::string& folder, const TensorMap& weights) const {
  write_model_files(folder, setup_, weights, state_);
}

}  // namespace tvae
