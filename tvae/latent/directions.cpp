#include "tvae/latent/directions.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/json.h"
#include "tvae/base/log.h"
#include "tvae/base/strings.h"
#include "tvae/latent/linear_probe.h"
#include "tvae/run/weights_fingerprint.h"

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;
using torch::Tensor;

constexpr int64_t kFewestTexts = 5;  // of a kind
constexpr size_t kLongestName = 100;
constexpr const char* kExtension = ".safetensors";

/// Difference of the means, fp64 [K, D].
Tensor mean_difference(const Tensor& positive, const Tensor& negative) {
  return positive.to(at::kDouble).mean(0) - negative.to(at::kDouble).mean(0);
}

Direction fit_mean(const Tensor& positive, const Tensor& negative) {
  const CodeScale scale = measure_codes(at::cat({positive, negative}));
  const Tensor step = mean_difference(positive, negative);
  const auto along = [&](const Tensor& codes) { return at::mv(codes.to(at::kDouble).flatten(1), step.flatten()); };
  const Tensor a = along(positive), b = along(negative);
  const auto rows = static_cast<double>(a.numel() + b.numel());
  const Tensor within = ((a - a.mean()).square().sum() + (b - b.mean()).square().sum()) / rows;
  // The logit of two Gaussians of one variance on a line; a millionth of the gap where they hardly vary.
  const Tensor gap = step.square().sum();
  const Tensor slope = gap / within.clamp_min(1e-6 * gap.square().item<double>());
  const Tensor middle = 0.5 * (a.mean() + b.mean());
  const Tensor at_mean = slope * ((scale.mean * step).sum() - middle) +
                         std::log(static_cast<double>(a.numel()) / static_cast<double>(b.numel()));
  return {step.to(at::kFloat), {scale, (slope * step * scale.deviation).flatten(), at_mean.item<double>()}};
}

Direction fit_logistic(const Tensor& positive, const Tensor& negative) {
  const Tensor codes = at::cat({positive, negative});
  const CodeScale scale = measure_codes(codes);
  std::vector<int64_t> classes(static_cast<size_t>(codes.size(0)), 0);
  std::fill_n(classes.begin(), positive.size(0), 1);
  const Tensor features = scale.standardise(codes);
  const LinearWeights fitted = linear_weights({LinearClassifier::Kind::kLogistic, 1e-4}, features, classes);
  const int64_t p = positive.size(0);
  const Tensor gap = features.narrow(0, 0, p).mean(0) - features.narrow(0, p, codes.size(0) - p).mean(0);
  const Tensor strength = fitted.weights.dot(gap) / fitted.weights.square().sum();
  const Tensor step = scale.deviation * (strength * fitted.weights).view_as(scale.deviation);
  return {step.to(at::kFloat), {scale, fitted.weights, fitted.intercept}};
}

std::string folder_of(const std::string& model_directory) {
  return model_directory + "/latent/directions/";
}

std::string path_of(const std::string& model_directory, const std::string& name) {
  return folder_of(model_directory) + name + kExtension;
}

struct DirectionFile {
  TensorMap tensors;
  Json facts;
  std::string weights;  // fingerprint
};

/// Whether they are what fit_direction() writes.
bool are_facts(const Json& facts) {
  if (!facts.is_object() || !facts.contains("method") || !facts["method"].is_string()) return false;
  for (const char* number : {"positive", "negative", "held_out", "held_out_accuracy", "held_out_majority"})
    if (!facts.contains(number) || !facts[number].is_number()) return false;
  return !facts.contains("name");
}

constexpr const char* kMakeAgain = "fit it again";

DirectionFile read_direction(const std::string& model_directory, const std::string& name) {
  const std::string path = path_of(model_directory, name);
  std::map<std::string, std::string> metadata;
  DirectionFile file;
  try {
    file.tensors = load_safetensors(path, &metadata);
  } catch (const CheckpointError& error) {
    throw CheckpointError(error.what(), "", "", kMakeAgain);
  }
  file.weights = metadata["weights"];
  file.facts = parse_json(metadata["facts"]);
  if (!are_facts(file.facts)) throw CheckpointError(path + " is no direction", "", "", kMakeAgain);
  return file;
}

/// "the former direction NAME of MODEL (mean of 12 and 30 texts)"; empty where there is none.
std::string former_direction(const std::string& model_directory, const std::string& name) {
  if (!file_exists(path_of(model_directory, name))) return "";
  const std::string former = "the former direction " + name + " of " + model_directory;
  try {
    const Json facts = read_direction(model_directory, name).facts;
    return former + " (" + facts["method"].get<std::string>() + " of " + facts["positive"].dump() + " and " +
           facts["negative"].dump() + " texts)";
  } catch (const CheckpointError&) {  // a damaged one is told by its name
    return former;
  }
}

}  // namespace

Registry<DirectionMethod>& direction_methods() {
  static Registry<DirectionMethod> registry("method of a direction");
  return registry;
}

namespace {

const Register<DirectionMethod> mean(direction_methods(), {"mean", "the difference of the means", fit_mean});
const Register<DirectionMethod> logistic(direction_methods(),
                                         {"logistic", "the weights of a logistic regression", fit_logistic, 1});

}  // namespace

DirectionFit fit_direction(const std::string& method, const Tensor& positive, const Tensor& negative, uint64_t seed) {
  const DirectionMethod& fit_by = direction_methods().find(method);
  for (const auto& [kind, codes] : {std::pair{"positive", positive}, std::pair{"negative", negative}})
    if (codes.size(0) < kFewestTexts)
      throw DataError(std::string("too few different ") + kind + " texts for a direction",
                      std::to_string(codes.size(0)), "at least " + std::to_string(kFewestTexts));
  const CodeScale scale = measure_codes(at::cat({positive, negative}));
  const Tensor gap = mean_difference(positive, negative).abs();
  if (!(gap > 1e-6 * scale.deviation).any().item<bool>())
    throw DataError("the positive texts have the same mean code as the negative ones", "", "",
                    "are the files the same?");

  const HeldOutSplit p = split_rows(positive.size(0), seed), n = split_rows(negative.size(0), seed + 1);
  const Direction part = fit_by(positive.index_select(0, p.train), negative.index_select(0, n.train));
  const auto held_p = static_cast<double>(p.held_out.size(0)), held_n = static_cast<double>(n.held_out.size(0));
  const Tensor right = (part.logit.value(positive.index_select(0, p.held_out)) > 0).sum() +
                       (part.logit.value(negative.index_select(0, n.held_out)) <= 0).sum();
  DirectionFit fit{fit_by(positive, negative), {}};
  fit.facts = {{"method", method},
               {"positive", positive.size(0)},
               {"negative", negative.size(0)},
               {"held_out", p.held_out.size(0) + n.held_out.size(0)},
               {"held_out_accuracy", right.item<double>() / (held_p + held_n)},
               {"held_out_majority", std::max(held_p, held_n) / (held_p + held_n)}};
  return fit;
}

void check_direction_name(const std::string& name) {
  constexpr const char* kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
  if (name.empty() || name.size() > kLongestName || name.find_first_not_of(kLetters) != std::string::npos ||
      name[0] == '.' || name[0] == '-')
    throw ConfigError("name of a direction", "\"" + name + "\"",
                      "letters, digits, _, - and ., a letter or digit first");
}

void require_direction_place(const Model& model, const std::string& name) {
  check_direction_name(name);
  require_writable_model(model.directory, {"latent/directions/" + name + kExtension});
}

void save_direction(const Model& model, const std::string& name, const DirectionFit& fit) {
  check_direction_name(name);
  const Direction& direction = fit.direction;
  const std::string former = former_direction(model.directory, name);
  save_safetensors(path_of(model.directory, name),
                   {{"step", direction.step},
                    {"mean", direction.logit.scale.mean},
                    {"deviation", direction.logit.scale.deviation},
                    {"weights", direction.logit.weights},
                    {"intercept", torch::tensor(direction.logit.intercept, at::kDouble)}},
                   {{"weights", weights_fingerprint(model)}, {"facts", fit.facts.dump()}});
  if (!former.empty()) log_info("replaced " + former);
}

std::vector<std::string> direction_names(const std::string& model_directory) {
  std::vector<std::string> names;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(folder_of(model_directory), none))
    if (entry.path().extension() == kExtension) names.push_back(entry.path().stem());
  std::sort(names.begin(), names.end());
  return names;
}

nlohmann::ordered_json direction_facts(const std::string& model_directory, const std::string& name) {
  return read_direction(model_directory, name).facts;
}

std::vector<Json> list_directions(const std::string& model_directory) {
  load_model_config(model_directory);
  std::vector<Json> all;
  for (const std::string& name : direction_names(model_directory)) {
    Json facts = {{"name", name}};
    try {
      facts.update(direction_facts(model_directory, name));
    } catch (const CheckpointError& error) {
      log_warning(error.what());
      continue;
    }
    all.push_back(std::move(facts));
  }
  return all;
}

namespace {

/// Of a direction that there is. Throws ConfigError with the known names.
std::string existing_path(const Model& model, const std::string& name) {
  check_direction_name(name);
  const std::string path = path_of(model.directory, name);
  if (file_exists(path)) return path;
  const std::vector<std::string> known = direction_names(model.directory);
  throw with_remedy(ConfigError("unknown direction", "\"" + name + "\"", "",
                                known.empty() ? "the model has none: fit one first" : suggestion(name, known)),
                    known.empty() ? Remedy::kFitDirection : Remedy::kNone);
}

}  // namespace

void remove_direction(const Model& model, const std::string& name) {
  const std::string path = existing_path(model, name);
  std::error_code failure;
  if (!std::filesystem::remove(path, failure) && failure) throw DataError("cannot remove " + path, failure.message());
}

DirectionFit load_direction(const Model& model, const std::string& name) {
  const std::string path = existing_path(model, name);
  DirectionFile file = read_direction(model.directory, name);
  warn_of_other_weights(model, path, file.weights);
  const int64_t k = model.vae.config().latent_tokens, d = model.vae.config().latent_size;
  const auto tensor = [&](const std::string& part, const std::vector<int64_t>& sizes) {
    const auto found = file.tensors.find(part);
    if (found == file.tensors.end() || found->second.sizes() != at::IntArrayRef(sizes))
      throw CheckpointError(path + ": tensor " + part + " is missing or not of this model", "", "", kMakeAgain);
    if (!found->second.isfinite().all().item<bool>())
      throw CheckpointError(path + ": tensor " + part + " has numbers that are not finite", "", "", kMakeAgain);
    return found->second;
  };
  const CodeScale scale{tensor("mean", {k, d}).to(at::kDouble), tensor("deviation", {k, d}).to(at::kDouble)};
  if (!(scale.deviation >= 0).all().item<bool>())
    throw CheckpointError(path + ": a deviation is negative", "", "", kMakeAgain);
  return {{tensor("step", {k, d}).to(at::kFloat),
           {scale, tensor("weights", {k * d}).to(at::kDouble), tensor("intercept", {}).item<double>()}},
          std::move(file.facts)};
}

}  // namespace tvae
