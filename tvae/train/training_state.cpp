#include "tvae/train/training_state.h"

#include <cmath>

#include "tvae/base/error.h"
#include "tvae/base/json.h"
#include "tvae/ops/on_device.h"
#include "tvae/run/run_record.h"

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;

int64_t count(const Json& value) {
  if (const auto number = whole_number(value)) return *number;
  throw CheckpointError("the checkpoint's state is damaged", value.dump(), "a whole number");
}

Json to_json(const MetricInterval& interval) {
  Json metrics = Json::object();
  for (const auto& [name, sum] : interval.sums) metrics[name] = {exact_number(sum.sum.item<double>()), sum.count};
  return {{"metrics", std::move(metrics)}, {"tokens", interval.tokens}, {"seconds", interval.seconds}};
}

MetricInterval interval_from_json(const Json& json) {
  MetricInterval interval;
  if (json.contains("sums"))  // as saved before the micro-batches of each metric were counted
    for (const auto& [name, sum] : json.at("sums").items())
      interval.sums[name] = {step_metric(exact_number(sum)), count(json.at("micro_batches"))};
  else
    for (const auto& [name, sum] : json.at("metrics").items())
      interval.sums[name] = {step_metric(exact_number(sum.at(0))), count(sum.at(1))};
  interval.tokens = count(json.at("tokens"));
  interval.seconds = json.at("seconds");
  return interval;
}

BestScore best_from_json(const Json& json) {
  BestScore best{count(json.at("step")), exact_number(json.at("cross_entropy")), count(json.at("evaluations_since")),
                 json.value("rate_target", 0.0)};      // earlier versions kept none
  if (std::isnan(best.cross_entropy)) best.step = -1;  // as earlier versions kept a first score that was no number
  return best;
}

}  // namespace

void MetricInterval::add(const std::string& name, const torch::Tensor& value) {
  Sum& of_name = sums[name];
  of_name.sum = on_device(of_name.sum, value.device()) + value;
  ++of_name.count;
}

bool BestScore::take(int64_t at_step, double score, double at_rate_target) {
  if (!std::isnan(score) && (step < 0 || at_rate_target < rate_target || score < cross_entropy)) {
    *this = {at_step, score, 0, at_rate_target};
    return true;
  }
  ++evaluations_since;
  return false;
}

Json training_state_to_json(const TrainingState& state, bool finished) {
  const auto& scores = state.last_scores;
  return {
      {"step", state.position.step},
      {"total_steps", state.position.total_steps},
      {"finished", finished},
      {"random", {state.rng.seed(), state.rng.draws()}},
      {"batch", {state.batch.epoch, state.batch.batch}},
      {"data", state.data},
      {"seconds", state.seconds},
      {"interval", to_json(state.interval)},
      {"held_out", scores ? Json{exact_number(scores->cross_entropy), exact_number(scores->token_accuracy)} : Json()},
      {"best",
       {{"step", state.best.step},
        {"cross_entropy", exact_number(state.best.cross_entropy)},
        {"evaluations_since", state.best.evaluations_since},
        {"rate_target", state.best.rate_target}}}};
}

TrainingState training_state_from_json(const Json& json) {
  try {
    TrainingState state;
    state.position = {count(json.at("step")), count(json.at("total_steps"))};
    state.rng = Rng(json.at("random").at(0), json.at("random").at(1));
    state.batch = {count(json.at("batch").at(0)), count(json.at("batch").at(1))};
    state.data = json.at("data").get<std::vector<std::string>>();
    state.seconds = json.at("seconds");
    state.interval = interval_from_json(json.at("interval"));
    if (const Json& scores = json.at("held_out"); !scores.is_null())
      state.last_scores = {exact_number(scores.at(0)), exact_number(scores.at(1)), std::nullopt};
    state.best = best_from_json(json.at("best"));
    return state;
  } catch (const Json::exception& error) {
    throw CheckpointError("the checkpoint's state is damaged", error.what());
  }
}

}  // namespace tvae
