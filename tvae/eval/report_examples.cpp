#include "tvae/eval/report_examples.h"

#include <algorithm>

#include "tvae/base/files.h"
#include "tvae/base/json.h"
#include "tvae/base/strings.h"
#include "tvae/base/utf8.h"
#include "tvae/corpus/mnist_text.h"
#include "tvae/corpus/png.h"
#include "tvae/eval/code_statistics.h"
#include "tvae/latent/paths.h"
#include "tvae/latent/prior.h"

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kReconstructions = 10, kMistakes = 15, kPaths = 6, kSamples = 24;
constexpr int64_t kPathSteps = 11;
constexpr int64_t kMapPoints = 2000;
constexpr size_t kCurvePoints = 400;
constexpr size_t kLongestText = 2000, kLongestMapText = 200;  // characters

std::string shortened(const std::string& text, size_t longest) {
  const std::vector<std::string_view> characters = utf8_characters(text);
  if (characters.size() <= longest) return text;
  return text.substr(0, static_cast<size_t>(characters[longest].data() - text.data())) + "…";
}

Json shown(const Evaluation& evaluation, const std::string& text, size_t longest = kLongestText) {
  if (evaluation.model.check == "mnist")
    if (const auto image = mnist_image(text))
      return {{"text", ""},
              {"image", "data:image/png;base64," + base64(encode_png({image->side, image->side, image->pixels}))}};
  return {{"text", shortened(text, longest)}};
}

/// Texts as they are shown, each with its "valid".
std::vector<Json> checked(Evaluation& evaluation, const std::vector<std::string>& texts) {
  const auto valid = evaluation.valid(texts);
  std::vector<Json> rows;
  for (size_t i = 0; i < texts.size(); ++i) {
    rows.push_back(shown(evaluation, texts[i]));
    if (valid) rows.back()["valid"] = static_cast<bool>((*valid)[i]);
  }
  return rows;
}

/// {metric: [[step, value], ...]}; of long logs every k-th line. Lines that cannot be read are left out.
Json curves(const std::string& path) {
  Json found = Json::object();
  if (!file_exists(path)) return found;
  LineReader reader(path);
  for (std::string line; reader.next(line);) {
    const Json values = parse_json(line);
    if (!values.is_object() || !values.contains("step") || !values["step"].is_number_integer()) continue;
    for (const auto& [name, value] : values.items())
      if (value.is_number() && name != "step") found[name].push_back({values["step"], value});
  }
  for (auto& [name, points] : found.items()) {
    const size_t every = (points.size() + kCurvePoints - 1) / kCurvePoints;
    Json thinned = Json::array();
    for (size_t i = 0; i < points.size(); ++i)
      if (i % every == 0 || i + 1 == points.size()) thinned.push_back(std::move(points[i]));
    points = std::move(thinned);
  }
  return found;
}

Json latent_map(Evaluation& evaluation) {
  const torch::Tensor means = evaluation.codes().mean.flatten(1);
  const int64_t shown_points = std::min(kMapPoints, means.size(0));
  const PrincipalComponents components = principal_components(means.narrow(0, 0, shown_points));
  const torch::Tensor xy = components.coordinates.contiguous();
  Json points = Json::array();
  for (int64_t i = 0; i < shown_points; ++i) {
    Json point = shown(evaluation, evaluation.held_out.texts[i], kLongestMapText);
    if (!evaluation.held_out.labels.empty()) point["label"] = evaluation.held_out.labels[i];
    point["x"] = xy.const_data_ptr<double>()[2 * i];
    point["y"] = xy.const_data_ptr<double>()[2 * i + 1];
    points.push_back(std::move(point));
  }
  return {{"variance", {components.variance[0].item<double>(), components.variance[1].item<double>()}},
          {"points", std::move(points)}};
}

/// The first reconstructions, or, of those that come after them, the first that differ.
Json reconstructions(Evaluation& evaluation, size_t count, bool mistakes) {
  Json rows = Json::array();
  const std::vector<std::string>& texts = evaluation.held_out.texts;
  for (size_t i = mistakes ? kReconstructions : 0; i < texts.size() && rows.size() < count; ++i) {
    const std::string& output = evaluation.reconstructions()[i];
    if (!mistakes || output != texts[i])
      rows.push_back({{"original", shown(evaluation, texts[i])}, {"output", shown(evaluation, output)}});
  }
  return rows;
}

/// From each of some held-out texts to the next one that differs: they are in random order.
Json path_examples(Evaluation& evaluation) {
  const std::vector<std::string>& texts = evaluation.held_out.texts;
  const torch::Tensor& codes = evaluation.codes().mean;
  const torch::Tensor ratios = at::arange(kPathSteps, at::kDouble) / static_cast<double>(kPathSteps - 1);
  Json all = Json::array();
  for (size_t a = 0, b = 1; b < texts.size() && all.size() < kPaths; ++b) {
    if (texts[a] == texts[b]) continue;
    std::vector<std::string> outputs = evaluation.decode(
        paths().find(evaluation.options.path)(codes[static_cast<int64_t>(a)], codes[static_cast<int64_t>(b)], ratios));
    outputs.insert(outputs.begin(), texts[a]);
    outputs.push_back(texts[b]);
    std::vector<Json> rows = checked(evaluation, outputs);
    for (int64_t step = 0; step < kPathSteps; ++step) rows[step + 1]["ratio"] = ratios.const_data_ptr<double>()[step];
    all.push_back(rows);
    a = ++b;
  }
  return all;
}

Json samples(Evaluation& evaluation) {
  const ModelConfig& config = evaluation.model.vae.config();
  Rng rng(evaluation.options.seed ^ hash_bytes("examples"));
  const auto draw = [&](const Prior& prior) {
    return checked(evaluation, evaluation.decode(prior.sample(kSamples, rng)));
  };
  Json all = {{"normal", draw(*make_normal_prior(config.latent_tokens, config.latent_size))}};
  if (const SavedPrior* fitted = evaluation.fitted_prior()) all["fitted"] = draw(*fitted->prior);
  return all;
}

}  // namespace

Json report_examples(Evaluation& evaluation, const Json& report) {
  Json examples = {{"latent_tokens", evaluation.model.vae.config().latent_tokens}};
  Json logged = curves(evaluation.model.directory + "/logs/metrics.jsonl");
  if (!logged.empty()) examples["curves"] = std::move(logged);
  if (report.contains("reconstruction")) {
    examples["reconstructions"] = reconstructions(evaluation, kReconstructions, /*mistakes=*/false);
    examples["mistakes"] = reconstructions(evaluation, kMistakes, /*mistakes=*/true);
  }
  if (report.contains("interpolation")) examples["paths"] = path_examples(evaluation);
  if (report.contains("prior")) examples["samples"] = samples(evaluation);
  if (report.contains("shape")) examples["latent_map"] = latent_map(evaluation);
  return examples;
}

}  // namespace tvae
