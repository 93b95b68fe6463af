#include "tvae/latent/space.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <mutex>
#include <set>
#include <unordered_set>

#include "tvae/base/error.h"
#include "tvae/base/log.h"
#include "tvae/base/part_progress.h"
#include "tvae/base/strings.h"
#include "tvae/latent/bracket_constraint.h"
#include "tvae/latent/first_rows.h"
#include "tvae/latent/moves.h"
#include "tvae/latent/paths.h"
#include "tvae/latent/shared_generation.h"
#include "tvae/latent/shrunk_gaussian.h"

namespace tvae {
namespace {

using torch::Tensor;

/// Codes that are drawn and decoded together: bounds memory, and gives the first texts early.
constexpr int64_t kSamplesAtOnce = 4096;

/// Every text once, and none of those in `others`.
std::vector<std::string> distinct(const std::vector<std::string>& texts, const std::set<std::string>& others) {
  std::vector<std::string> kept;
  std::set<std::string> seen = others;
  for (const std::string& text : texts)
    if (seen.insert(text).second) kept.push_back(text);
  return kept;
}

/// `count` of the texts in random order, or all of them as they are where there are no more, or count is 0.
std::vector<std::string> some_of(const std::vector<std::string>& texts, int64_t count, Rng& rng) {
  const auto all = static_cast<int64_t>(texts.size());
  if (count == 0 || all <= count) return texts;
  const Tensor order = at::randperm(all, rng.generator(), at::kLong);
  std::vector<std::string> drawn;
  for (int64_t i = 0; i < count; ++i) drawn.push_back(texts[static_cast<size_t>(order[i].item<int64_t>())]);
  return drawn;
}

/// Throws DataError where all texts are one: that they have one code says nothing of the model.
void require_different(const std::vector<std::string>& texts) {
  if (texts.size() > 1 && std::ranges::all_of(texts, [&](const std::string& text) { return text == texts.front(); }))
    throw DataError("all " + std::to_string(texts.size()) + " texts are the same", "\"" + texts.front() + "\"",
                    "different ones");
}

}  // namespace

struct LatentSpace::State {
  explicit State(Model loaded) : model(std::move(loaded)) {}

  Model model;
  std::once_flag constraint_made, check_made;
  OutputConstraintFactory constraint;
  std::unique_ptr<ValidityCheck> check;
  std::mutex prior_mutex;
  std::optional<std::shared_ptr<const SavedPrior>> prior;  // once it was looked for
  std::shared_ptr<const SavedPrior> likely_under;          // null: under N(0, I)
  std::shared_ptr<const CodeLikelihood> likelihood;        // once it was asked for
  std::unique_ptr<SharedGeneration> shared;                // where decoding is shared

  const OutputConstraintFactory& make_constraint() {
    std::call_once(constraint_made, [this] { constraint = bracket_constraint(model); });
    return constraint;
  }
  ValidityCheck* make_check() {
    std::call_once(check_made, [this] { check = make_validity_check(model.check); });
    return check.get();
  }
  std::vector<Generated> generate(const Tensor& codes, const GenerationOptions& options, Progress& progress) {
    if (!shared) return generate_from(model, codes, options, progress);
    require_finite_codes(codes);  // so that these codes cannot fail those that are decoded with them
    return (*shared)(codes, options, progress);
  }
};

LatentSpace LatentSpace::open(const std::string& directory, torch::Device device) {
  return LatentSpace(load_model(directory, device, LoadWeights::kAsStored));
}

LatentSpace::LatentSpace(Model model) : state_(std::make_shared<State>(std::move(model))) {}

const Model& LatentSpace::model() const {
  return state_->model;
}

int64_t LatentSpace::latent_tokens() const {
  return model().vae.config().latent_tokens;
}

int64_t LatentSpace::latent_size() const {
  return model().vae.config().latent_size;
}

void LatentSpace::share_decoding(int64_t at_once) {
  state_->shared = std::make_unique<SharedGeneration>(
      [model = &state_->model](const Tensor& codes, const GenerationOptions& options, Progress& progress) {
        return generate_from(*model, codes, options, progress);
      },
      at_once);
}

// ---- Texts and codes

EncodedTexts LatentSpace::encode(const std::vector<std::string>& texts, Progress& progress) const {
  EncodedTexts encoded = encode_texts(model(), texts, progress);
  warn_of_cut(model(), encoded.cut_count(), texts.size());
  return encoded;
}

void LatentSpace::require_possible(const DecodeOptions& options) const {
  const auto require = [](bool possible, const char* what, double got, const char* expected) {
    if (possible) return;
    char text[32];
    std::snprintf(text, sizeof text, "%g", got);
    throw ConfigError(what, text, expected);
  };
  require(options.candidates >= 1, "candidates", static_cast<double>(options.candidates), "at least 1");
  require(options.search_radius >= 0.0 && std::isfinite(options.search_radius), "search_radius", options.search_radius,
          "at least 0");
  require(options.temperature > 0.0 && std::isfinite(options.temperature), "temperature", options.temperature,
          "more than 0");
  require(options.top_k >= 0, "top_k", static_cast<double>(options.top_k), "at least 1, or 0 for all tokens");
  require(options.top_p > 0.0 && options.top_p <= 1.0, "top_p", options.top_p, "more than 0, at most 1");
  if (options.sample && options.candidates > 1)
    throw ConfigError("search and drawn tokens do not go together", "", "one of them");
  if (options.constrain) state_->make_constraint();
}

std::vector<Decoded> LatentSpace::finish(const Tensor& codes, const DecodeOptions& options, bool reconstructs,
                                         Progress& progress) const {
  require_possible(options);
  if (codes.dim() != 3 || codes.size(1) != latent_tokens() || codes.size(2) != latent_size())
    throw DataError("codes do not fit the model", c10::str(codes.sizes()),
                    "[N, " + std::to_string(latent_tokens()) + ", " + std::to_string(latent_size()) + "]");
  GenerationOptions generation;
  generation.sample = options.sample;
  generation.temperature = options.temperature;
  generation.top_k = options.top_k;
  generation.top_p = options.top_p;
  generation.seed = options.seed;
  if (options.constrain) generation.constraint = state_->make_constraint();
  ValidityCheck* const check =
      options.judge || (options.candidates > 1 && !reconstructs) ? state_->make_check() : nullptr;

  const std::vector<Generated> outputs = state_->generate(codes, generation, progress);
  const std::vector<std::string> plain = texts_of(model(), outputs);
  const SearchOptions search{options.candidates, options.search_radius, options.seed};
  const DecodeFunction decode_again = [&](const Tensor& perturbed) {
    return texts_of(model(), state_->generate(perturbed, generation, progress));
  };
  const std::vector<std::string> texts =
      options.candidates == 1 ? plain
      : reconstructs          ? search_reconstructions(model(), codes, plain, search, decode_again, progress)
                              : search_outputs(model(), codes, plain, check, search, decode_again, progress);
  std::vector<bool> valid;
  if (options.judge && check != nullptr) valid = check->valid(texts);
  std::vector<Decoded> decoded(texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    decoded[i].text = texts[i];
    decoded[i].searched = texts[i] != plain[i];
    if (!decoded[i].searched) decoded[i].probability = outputs[i].probability;
    if (!valid.empty()) decoded[i].valid = valid[i];
  }
  return decoded;
}

std::vector<Decoded> LatentSpace::decode(const Tensor& codes, const DecodeOptions& options, Progress& progress) const {
  return finish(codes, options, /*reconstructs=*/false, progress);
}

std::vector<Reconstruction> LatentSpace::reconstruct(const std::vector<std::string>& texts,
                                                     const DecodeOptions& options, Progress& progress) const {
  require_possible(options);
  std::vector<Decoded> decoded = finish(encode(texts, progress).mean, options, /*reconstructs=*/true, progress);
  std::vector<Reconstruction> all;
  for (size_t i = 0; i < texts.size(); ++i) {
    const bool exact = decoded[i].text == texts[i];
    all.push_back({texts[i], std::move(decoded[i]), exact});
  }
  return all;
}

std::optional<std::vector<bool>> LatentSpace::judge(const std::vector<std::string>& texts) const {
  ValidityCheck* const check = state_->make_check();
  if (check == nullptr) return std::nullopt;
  return check->valid(texts);
}

// ---- Between texts

std::vector<PathPoint> LatentSpace::interpolate(const std::string& from, const std::string& to,
                                                const PathOptions& options, Progress& progress) const {
  paths().find(options.path);  // refuse before any work
  require_possible(options.decode);
  const Tensor codes = encode({from, to}, progress).mean;
  return interpolate(codes[0], codes[1], options, progress);
}

std::vector<PathPoint> LatentSpace::interpolate(const Tensor& from, const Tensor& to, const PathOptions& options,
                                                Progress& progress) const {
  if (options.steps < 2) throw ConfigError("steps of a path", std::to_string(options.steps), "at least 2");
  const Tensor ratios = at::linspace(0.0, 1.0, options.steps, at::kDouble);
  std::vector<Decoded> decoded = decode(paths().find(options.path)(from, to, ratios), options.decode, progress);
  std::vector<PathPoint> points;
  for (int64_t step = 0; step < options.steps; ++step)
    points.push_back({ratios[step].item<double>(), std::move(decoded[static_cast<size_t>(step)])});
  return points;
}

std::vector<Decoded> LatentSpace::analogy(const std::string& a, const std::string& b, const std::string& c,
                                          const std::vector<double>& strengths, const DecodeOptions& options,
                                          Progress& progress) const {
  const Tensor codes = encode({a, b, c}, progress).mean;
  return decode(moved_codes(codes[2], codes[1] - codes[0], strengths), options, progress);
}

Decoded LatentSpace::mix(const std::vector<std::string>& texts, const std::vector<double>& weights,
                         const DecodeOptions& options, Progress& progress) const {
  return decode(mixed_code(encode(texts, progress).mean, weights).unsqueeze(0), options, progress).front();
}

// ---- New texts

std::function<Tensor(int64_t, Rng&)> LatentSpace::drawing(const SampleOptions& options, Progress& progress) const {
  if (!options.prior.empty() && options.prior != "fitted" && options.prior != "normal")
    throw ConfigError("prior", "\"" + options.prior + "\"", "fitted or normal");
  if (options.near || options.near_code.defined()) {
    const std::string text =
        options.near ? *options.near : decode(options.near_code.unsqueeze(0), {}, progress).front().text;
    const EncodedTexts encoded = encode({text}, progress);
    const Tensor center = options.near ? encoded.mean : options.near_code;
    const Tensor unit = encoded.log_variance ? encoded.posterior().deviation() : at::ones_like(encoded.mean);
    return [=, this, radius = options.radius](int64_t count, Rng& rng) {
      const Tensor noise = at::randn({count, latent_tokens(), latent_size()}, rng.generator(), at::kFloat);
      return center + radius * unit * noise;
    };
  }
  std::shared_ptr<const SavedPrior> saved = options.prior == "normal" ? nullptr : fitted_prior();
  if (!saved && options.prior == "fitted")
    throw with_remedy(CheckpointError(model().directory + " has no fitted prior", "", "", "fit one first"),
                      Remedy::kFitPrior);
  if (!saved && options.prior.empty()) log_info("no fitted prior: drawing from N(0, I)");
  const std::shared_ptr<const Prior> normal = make_normal_prior(latent_tokens(), latent_size());
  return [saved, normal, scale = options.prior_scale](int64_t count, Rng& rng) {
    return (saved ? *saved->prior : *normal).sample(count, rng, scale);
  };
}

void LatentSpace::sample(const SampleOptions& options, const std::function<void(const std::vector<Decoded>&)>& take,
                         Progress& progress) const {
  require_possible(options.decode);
  const auto draw_codes = drawing(options, progress);
  Rng rng(options.decode.seed);
  DecodeOptions decoding = options.decode;
  for (int64_t done = 0; done < options.count; done += kSamplesAtOnce) {
    const Tensor codes = draw_codes(std::min(kSamplesAtOnce, options.count - done), rng);
    decoding.seed = rng.next_key();
    PartProgress part(progress, done, codes.size(0), options.count);
    take(decode(codes, decoding, part));
  }
}

Tensor LatentSpace::draw(const SampleOptions& options, Progress& progress) const {
  const auto draw_codes = drawing(options, progress);
  Rng rng(options.decode.seed);
  std::vector<Tensor> codes;
  for (int64_t done = 0; done < options.count; done += kSamplesAtOnce) {
    codes.push_back(draw_codes(std::min(kSamplesAtOnce, options.count - done), rng));
    rng.next_key();  // which sample takes for what it decodes
  }
  return codes.empty() ? at::empty({0, latent_tokens(), latent_size()}) : at::cat(codes);
}

std::vector<Decoded> LatentSpace::sample(const SampleOptions& options, Progress& progress) const {
  std::vector<Decoded> all;
  sample(
      options, [&all](const std::vector<Decoded>& part) { all.insert(all.end(), part.begin(), part.end()); }, progress);
  return all;
}

PriorFit LatentSpace::fit_prior(const std::vector<std::string>& texts, const PriorRequest& request,
                                Progress& progress) const {
  const PriorKind& kind = prior_kinds().find(request.kind);
  require_different(texts);
  if (request.fit_on != kFitOnMeans && request.fit_on != kFitOnSamples)
    throw ConfigError("what a prior is fitted on", "\"" + request.fit_on + "\"", kFitOnMeans + " or " + kFitOnSamples);
  Rng rng(request.fit.seed);
  const EncodedTexts encoded = encode(some_of(texts, request.texts, rng), progress);
  require_enough_codes(encoded.mean);
  measure_codes(encoded.mean);  // refuses a model that has collapsed
  Tensor codes = encoded.mean;
  if (request.fit_on == kFitOnSamples) {
    if (!encoded.log_variance)
      throw ConfigError("a prior fitted on samples", "a model with a deterministic code", "one fitted on means");
    codes = encoded.posterior().sample(rng);
  }
  PriorFit fit = kind.fit(codes, request.fit, progress);
  fit.facts["normal_log_density"] =
      make_normal_prior(latent_tokens(), latent_size())->log_density(codes).mean().item<double>();
  fit.facts["fit_on"] = request.fit_on;
  return fit;
}

void LatentSpace::require_prior_place() const {
  tvae::require_prior_place(model());
}

void LatentSpace::save_prior(const std::string& kind, const PriorFit& fit) const {
  tvae::save_prior(model(), kind, fit);
  const std::lock_guard lock(state_->prior_mutex);
  state_->prior.reset();
}

void LatentSpace::use_prior(const std::string& kind, PriorFit fit) const {
  const std::lock_guard lock(state_->prior_mutex);
  state_->prior = std::make_shared<const SavedPrior>(
      SavedPrior{kind, fit.facts.value("fit_on", kFitOnMeans), std::move(fit.prior)});
}

std::shared_ptr<const SavedPrior> LatentSpace::fitted_prior() const {
  const std::lock_guard lock(state_->prior_mutex);
  if (!state_->prior) {
    std::optional<SavedPrior> saved = load_prior(model());
    state_->prior = saved ? std::make_shared<const SavedPrior>(std::move(*saved)) : nullptr;
  }
  return *state_->prior;
}

Tensor LatentSpace::log_density(const Tensor& codes) const {
  if (const auto saved = fitted_prior()) return saved->prior->log_density(codes);
  return make_normal_prior(latent_tokens(), latent_size())->log_density(codes);
}

Likelihood LatentSpace::likelihood(const Tensor& codes) const {
  const std::shared_ptr<const SavedPrior> saved = fitted_prior();
  std::shared_ptr<const CodeLikelihood> likelihood;
  {
    const std::lock_guard lock(state_->prior_mutex);
    if (!state_->likelihood || state_->likely_under != saved) {
      state_->likely_under = saved;
      Rng rng(42);
      state_->likelihood = std::make_shared<const CodeLikelihood>(
          saved ? std::shared_ptr<const Prior>(saved, saved->prior.get())
                : std::shared_ptr<const Prior>(make_normal_prior(latent_tokens(), latent_size())),
          rng);
    }
    likelihood = state_->likelihood;
  }
  const torch::NoGradGuard no_grad;
  return {likelihood->log_density(codes), likelihood->unlikeliness(codes)};
}

// ---- Directions and properties

DirectionFit LatentSpace::fit_direction(const std::vector<std::string>& positive,
                                        const std::vector<std::string>& negative, const std::string& method,
                                        uint64_t seed, Progress& progress) const {
  direction_methods().find(method);  // refuse before any work
  const std::set<std::string> p(positive.begin(), positive.end()), n(negative.begin(), negative.end());
  const auto shared = std::count_if(p.begin(), p.end(), [&n](const std::string& text) { return n.contains(text); });
  if (shared > 0) log_warning(std::to_string(shared) + " texts are of both kinds and are left out");
  const Tensor positive_codes = encode(distinct(positive, n), progress).mean;
  const Tensor negative_codes = encode(distinct(negative, p), progress).mean;
  DirectionFit fit = tvae::fit_direction(method, positive_codes, negative_codes, seed);
  if (fit.facts["held_out_accuracy"] <= fit.facts["held_out_majority"])
    log_warning("on held-out texts the direction is no better than always guessing the commoner kind");
  return fit;
}

void LatentSpace::require_direction_place(const std::string& name) const {
  tvae::require_direction_place(model(), name);
}

void LatentSpace::save_direction(const std::string& name, const DirectionFit& fit) const {
  tvae::save_direction(model(), name, fit);
}

DirectionFit LatentSpace::direction(const std::string& name) const {
  return load_direction(model(), name);
}

void LatentSpace::remove_direction(const std::string& name) const {
  tvae::remove_direction(model(), name);
}

std::vector<std::string> LatentSpace::directions() const {
  return direction_names(model().directory);
}

std::vector<MovedText> LatentSpace::move(const Tensor& codes, const Direction& direction,
                                         const std::vector<double>& strengths, const DecodeOptions& options,
                                         Progress& progress) const {
  std::vector<Tensor> moved;
  std::vector<MovedText> all;
  for (int64_t row = 0; row < codes.size(0); ++row) {
    moved.push_back(moved_codes(codes[row], direction.step, strengths));
    const Tensor logits = direction.logit.value(moved.back());
    for (size_t i = 0; i < strengths.size(); ++i)
      all.push_back({static_cast<size_t>(row), strengths[i], logits[static_cast<int64_t>(i)].item<double>(), {}});
  }
  if (all.empty()) return all;
  std::vector<Decoded> decoded = decode(at::cat(moved), options, progress);
  for (size_t i = 0; i < all.size(); ++i) all[i].output = std::move(decoded[i]);
  return all;
}

PropertyFit LatentSpace::fit_property(const std::vector<std::string>& texts, const std::vector<double>& values,
                                      uint64_t seed, Progress& progress) const {
  if (texts.size() != values.size())
    throw ConfigError("values of a property", std::to_string(values.size()),
                      "one a text: " + std::to_string(texts.size()));
  require_different(texts);
  PropertyFit fit = tvae::fit_property(encode(texts, progress).mean, torch::tensor(values, at::kDouble), seed);
  if (fit.score.r2.value_or(0.0) <= 0.0)
    log_warning("the codes do not tell the property of held-out texts: climbing it means little");
  return fit;
}

OptimizedTexts LatentSpace::optimize(const std::string& text, const LinearProperty& property,
                                     const OptimizeOptions& options, const DecodeOptions& decode_options,
                                     Progress& progress) const {
  require_possible(decode_options);
  return optimize(encode({text}, progress).mean[0], property, options, decode_options, progress);
}

OptimizedTexts LatentSpace::optimize(const Tensor& code, const LinearProperty& property, const OptimizeOptions& options,
                                     const DecodeOptions& decode_options, Progress& progress) const {
  require_possible(decode_options);
  const std::shared_ptr<const SavedPrior> prior = fitted_prior();
  Rng rng(decode_options.seed);
  const CodeLikelihood likelihood = prior ? CodeLikelihood(std::shared_ptr<const Prior>(prior, prior->prior.get()), rng)
                                          : CodeLikelihood(property.scale);
  const OptimizedPath path = optimize_code(code, property, likelihood, options, progress);
  std::vector<Decoded> decoded = decode(path.codes, decode_options, progress);
  OptimizedTexts result;
  result.first_value = path.values[0].item<double>();
  result.last_value = path.values[-1].item<double>();
  result.steps = path.codes.size(0) - 1;
  std::unordered_set<std::string> seen;
  for (int64_t step = 0; step <= result.steps; ++step) {
    Decoded& output = decoded[static_cast<size_t>(step)];
    if (!seen.insert(output.text).second) continue;
    result.texts.push_back({step, path.objectives[step].item<double>(), path.values[step].item<double>(),
                            path.unlikeliness[step].item<double>(), std::move(output), path.codes[step]});
  }
  return result;
}

// ---- Nearest texts

TextIndex LatentSpace::index(const std::vector<std::string>& corpus, Metric metric, Progress& progress) const {
  const std::vector<int64_t> rows = first_rows(corpus);
  std::vector<std::string> texts;
  for (const int64_t row : rows) texts.push_back(corpus[static_cast<size_t>(row)]);
  if (texts.empty()) throw DataError("a corpus without texts", "", "texts to search");
  const Tensor codes = encode(texts, progress).mean;
  if (codes.size(0) > 1) measure_codes(codes);  // refuses a collapsed model
  return TextIndex(std::move(texts), rows, codes, metric);
}

}  // namespace tvae
