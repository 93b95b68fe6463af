#include "tvae/train/trainer.h"

#include <chrono>
#include <cmath>

#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/json.h"
#include "tvae/base/log.h"
#include "tvae/run/model_card.h"
#include "tvae/run/model_directory.h"
#include "tvae/train/previewer.h"
#include "tvae/train/progress_bar.h"

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

constexpr int64_t kEvaluationBatchTokens = 4096;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

BatchOptions batch_options(const TrainConfig& config) {
  BatchOptions options;
  options.batch_size = config.batch_size;
  options.batch_tokens = config.batch_tokens;
  options.seed = config.seed;
  return options;
}

int64_t planned_steps(const TrainConfig& config, int64_t batches_per_epoch) {
  if (config.steps > 0) return config.steps;
  if (config.epochs == 0.0) log_warning("train.steps and train.epochs are both 0: a single step");
  const double batches = config.epochs * static_cast<double>(batches_per_epoch);
  return std::max<int64_t>(1,
                           static_cast<int64_t>(std::ceil(batches / static_cast<double>(config.accumulation_steps))));
}

Json data_fingerprints(const TrainingSetup& setup) {
  Json prints = Json::array({hex(setup.train.fingerprint())});
  if (setup.valid) prints.push_back(hex(setup.valid->fingerprint()));
  return prints;
}

}  // namespace

HeldOutScores evaluate_held_out(const TransformerVae& vae, const TokenDataset& data, int64_t max_sequences) {
  const torch::NoGradGuard no_grad;
  BatchOptions options;
  options.batch_tokens = kEvaluationBatchTokens;
  const int64_t limit = max_sequences > 0 ? std::min(max_sequences, data.size()) : data.size();
  options.shuffle = limit < data.size();  // a file may be sorted
  Batcher batcher(data, options);
  double nats = 0, correct = 0;
  std::optional<double> kl;
  int64_t tokens = 0, sequences = 0;
  while (sequences < limit) {
    const TokenStream batch = to_stream(batcher.next(), vae.device());
    const ForwardResult forward = vae.forward(batch, {}, {});
    nats += forward.reconstruction.loss.item<double>();
    correct += forward.reconstruction.correct.sum().item<double>();
    if (forward.posterior.has_variance())  // in fp32 where the model computes in bf16, and summed in fp64
      kl = kl.value_or(0.0) + forward.posterior.to(at::kFloat).rate().sum(at::kDouble).item<double>();
    tokens += batch.ids.size(0);
    sequences += static_cast<int64_t>(batch.spans.size());
  }
  HeldOutScores scores{nats / static_cast<double>(tokens), correct / static_cast<double>(tokens), std::nullopt};
  if (kl) scores.kl = *kl / static_cast<double>(sequences);  // not finite where it is not
  return scores;
}

Trainer::Trainer(TrainingSetup& setup, const RunDirectory& run)
    : setup_(setup),
      run_(run),
      config_(setup.config.train),
      batcher_(setup.train, batch_options(setup.config.train)),
      step_(setup.model.vae, setup.config),
      rng_(mix64(static_cast<uint64_t>(setup.config.train.seed)) + 1) {
  position_.total_steps = planned_steps(config_, batcher_.batches_per_epoch());
  if (config_.previews && setup_.valid) previewer_ = std::make_unique<Previewer>(setup_);
}

Trainer::~Trainer() = default;

bool Trainer::is_asked_to_stop(Progress& progress) const {
  try {
    progress.update("training", position_.step, position_.total_steps);
    return false;
  } catch (const Interrupted&) {
    return true;
  }
}

void Trainer::run(Progress& progress) {
  MetricLog log(run_.file("logs"), position_.step);
  ProgressBar bar(position_.total_steps, position_.step);
  warn_of_own_card(run_.path());
  const auto due = [&](int64_t every) { return every > 0 && position_.step % every == 0; };
  while (!finished()) {
    const auto start = Clock::now();
    train_step();
    const double took = seconds_since(start);
    seconds_ += took;
    interval_seconds_ += took;
    bar.update(position_.step);
    if (due(config_.log_steps)) log_step(log, bar);
    const bool last = position_.step == position_.total_steps;
    if (setup_.valid && (due(config_.eval_steps) || last)) evaluate(log, bar);
    const bool stop = is_asked_to_stop(progress);
    if (stop || due(config_.save_steps) || finished()) save();
    if (stop && !finished())
      throw Interrupted("interrupted at step " + std::to_string(position_.step) + " of " +
                        std::to_string(position_.total_steps) + "; the state is saved");
  }
}

void Trainer::train_step() {
  std::vector<TokenBatch> batches;
  StepSizes sizes{0, config_.accumulation_steps};
  for (int64_t i = 0; i < config_.accumulation_steps; ++i) {
    batches.push_back(batcher_.next());
    sizes.tokens += batches.back().tokens();
  }
  for (const TokenBatch& batch : batches)
    for (const auto& [name, value] : step_.accumulate(batch, sizes, position_, rng_)) metrics_[name].add(value);
  tokens_ += sizes.tokens;
  const TrainStep::Report report = step_.apply(position_);
  metrics_["gradient_norm"].add(report.gradient_norm);
  learning_rate_ = report.learning_rate;
  ++position_.step;
}

void Trainer::log_step(MetricLog& log, ProgressBar& bar) {
  Metrics metrics;
  for (const char* name : {"loss", "cross_entropy", "regularizer"}) metrics.emplace_back(name, metrics_[name].mean());
  metrics.emplace_back("learning_rate", learning_rate_);
  metrics.emplace_back("tokens_per_second", static_cast<double>(tokens_) / std::max(interval_seconds_, 1e-9));
  metrics.emplace_back("seconds", seconds_);
  for (const auto& [name, sum] : metrics_) {
    bool listed = false;
    for (const auto& [known, value] : metrics) listed = listed || known == name;
    if (!listed) metrics.emplace_back(name, sum.mean());
  }
  log.write(position_.step, metrics);
  bar.log(position_.step, metrics);
  metrics_.clear();
  tokens_ = 0;
  interval_seconds_ = 0.0;
}

void Trainer::evaluate(MetricLog& log, ProgressBar& bar) {
  HeldOutScores scores;
  Preview preview;
  Metrics preview_metrics;
  {
    const AveragedWeights averaged(step_.average());
    step_.refresh_compute_weights();
    scores = evaluate_held_out(setup_.model.vae, *setup_.valid, setup_.config.data.max_valid);
    if (previewer_ && std::isfinite(scores.cross_entropy)) preview = (*previewer_)(position_.step, preview_metrics);
  }
  step_.refresh_compute_weights();
  // What is no number is no score to beat.
  const bool best = !std::isnan(scores.cross_entropy) && (best_step_ < 0 || scores.cross_entropy < best_cross_entropy_);
  last_scores_ = scores;
  if (best) {
    best_cross_entropy_ = scores.cross_entropy;
    best_step_ = position_.step;
    evaluations_since_best_ = 0;
  } else {
    ++evaluations_since_best_;
  }
  Metrics metrics = {{"valid_cross_entropy", scores.cross_entropy}, {"valid_token_accuracy", scores.token_accuracy}};
  if (scores.kl) metrics.emplace_back("valid_kl", *scores.kl);
  metrics.insert(metrics.end(), preview_metrics.begin(), preview_metrics.end());
  log.write(position_.step, metrics);
  log.write(position_.step, preview);
  bar.log(position_.step, metrics);
  if (best && config_.save_model == "best") save_model_files(run_.path());
}

bool Trainer::finished() const {
  return position_.step >= position_.total_steps || stop_early();
}

bool Trainer::stop_early() const {
  return config_.early_stop_evaluations > 0 && evaluations_since_best_ >= config_.early_stop_evaluations;
}

void Trainer::save() {
  if (config_.save_model == "last" || best_step_ < 0) save_model_files(run_.path());
  save_checkpoint(run_.path(), checkpoint());
}

void Trainer::save_model_files(const std::string& folder) const {
  TensorMap weights;
  {
    const AveragedWeights averaged(step_.average());
    for (const NamedParameter& parameter : step_.master()) weights[parameter.name] = parameter.value.detach().clone();
  }
  save_model(folder, setup_.model.vae.config(), setup_.config.data.max_tokens, setup_.config.data.check, weights,
             setup_.model.tokenizer);
  const RunRecord now = record();
  write_run_record(folder, now);
  write_model_card(folder, now);
}

RunRecord Trainer::record() const {
  RunRecord now = setup_.record;
  now.training = {position_.step, position_.total_steps, seconds_, std::nullopt};
  if (last_scores_) now.training.held_out = {last_scores_->cross_entropy, last_scores_->token_accuracy};
  return now;
}

Checkpoint Trainer::checkpoint() const {
  Checkpoint saved;
  for (const NamedParameter& parameter : step_.master())
    saved.tensors["model/" + parameter.name] = parameter.value.detach();
  saved.add("optimizer", step_.optimizer().state());
  if (step_.average() != nullptr) saved.add("average", step_.average()->state());
  saved.add("objective", step_.objective().state());
  const BatchPosition batch = batcher_.position();
  Json metrics = Json::object();
  for (const auto& [name, sum] : metrics_) metrics[name] = {exact_number(sum.sum), sum.count};
  saved.state = {{"step", position_.step},
                 {"total_steps", position_.total_steps},
                 {"finished", finished()},
                 {"random", {rng_.seed(), rng_.draws()}},
                 {"batch", {batch.epoch, batch.batch}},
                 {"data", data_fingerprints(setup_)},
                 {"seconds", seconds_},
                 {"interval", {{"metrics", std::move(metrics)}, {"tokens", tokens_}, {"seconds", interval_seconds_}}},
                 {"held_out", last_scores_ ? Json{exact_number(last_scores_->cross_entropy),
                                                  exact_number(last_scores_->token_accuracy)}
                                           : Json()},
                 {"best",
                  {{"step", best_step_},
                   {"cross_entropy", exact_number(best_cross_entropy_)},
                   {"evaluations_since", evaluations_since_best_}}}};
  return saved;
}

void Trainer::restore(const Checkpoint& saved) {
  const auto count = [](const Json& value) {
    if (const auto number = whole_number(value)) return *number;
    throw CheckpointError("the checkpoint's state is damaged", value.dump(), "a whole number");
  };
  try {
    const Json& state = saved.state;
    if (state.at("data") != data_fingerprints(setup_))
      throw CheckpointError("the data changed since the checkpoint",
                            setup_.config.data.train + (setup_.valid ? " or " + setup_.config.data.valid : ""),
                            "the same rows");
    position_.step = count(state.at("step"));
    if (position_.step < 0 || position_.step > position_.total_steps)
      throw CheckpointError("the checkpoint is of step " + std::to_string(position_.step), "",
                            "a step from 0 to " + std::to_string(position_.total_steps));
    if (state.at("total_steps") != position_.total_steps)
      throw CheckpointError("the checkpoint plans " + state.at("total_steps").dump() + " steps",
                            std::to_string(position_.total_steps));
    rng_ = Rng(state.at("random").at(0), state.at("random").at(1));
    batcher_.seek({count(state.at("batch").at(0)), count(state.at("batch").at(1))});
    seconds_ = state.at("seconds");
    const Json& interval = state.at("interval");
    if (interval.contains("sums"))  // as saved before the micro-batches of each metric were counted
      for (const auto& [name, sum] : interval.at("sums").items())
        metrics_[name] = {exact_number(sum), count(interval.at("micro_batches"))};
    else
      for (const auto& [name, sum] : interval.at("metrics").items())
        metrics_[name] = {exact_number(sum.at(0)), count(sum.at(1))};
    tokens_ = count(interval.at("tokens"));
    interval_seconds_ = interval.at("seconds");
    if (const Json& scores = state.at("held_out"); !scores.is_null())
      last_scores_ = {exact_number(scores.at(0)), exact_number(scores.at(1)), std::nullopt};
    best_step_ = count(state.at("best").at("step"));
    best_cross_entropy_ = exact_number(state.at("best").at("cross_entropy"));
    evaluations_since_best_ = count(state.at("best").at("evaluations_since"));
    if (std::isnan(best_cross_entropy_)) best_step_ = -1;  // as earlier versions kept a first score that was no number
  } catch (const Json::exception& error) {
    throw CheckpointError("the checkpoint's state is damaged", error.what());
  }
  step_.load_weights(saved.part("model"));
  step_.optimizer().load_state(saved.part("optimizer"));
  if (step_.average() != nullptr) step_.average()->load_state(saved.part("average"));
  step_.objective().load_state(saved.part("objective"));
}

}  // namespace tvae
