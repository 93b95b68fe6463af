#include "tvae/latent/search.h"

#include <algorithm>
#include <unordered_map>

#include "tvae/base/assert.h"

namespace tvae {
namespace {

using torch::Tensor;

constexpr int64_t kCodesAtOnce = 8192;  // decoded together, so that few calls end with few rows
constexpr double kSameCode = 1e-3;      // in posterior standard deviations: rounding, no other text

/// Size of a perturbation of radius 1 in each dimension [N, K, D]: σ of the posteriors of what the codes decode to.
Tensor unit_of(const EncodedTexts& outputs, const Tensor& codes) {
  if (outputs.log_variance) return outputs.posterior().deviation();
  return (kDeterministicUnit * codes.square().mean({1, 2}, true).sqrt()).expand_as(codes);
}

EncodedTexts rows_of(const EncodedTexts& encoded, const Tensor& rows) {
  EncodedTexts some{encoded.mean.index_select(0, rows), std::nullopt, {}};
  if (encoded.log_variance) some.log_variance = encoded.log_variance->index_select(0, rows);
  return some;
}

/// The texts' codes; a text that occurs often is encoded once.
Tensor means_of(const Model& model, const std::vector<std::string>& texts, Progress& progress) {
  std::vector<std::string> different;
  std::unordered_map<std::string, int64_t> places;
  std::vector<int64_t> place_of;
  for (const std::string& text : texts) {
    const auto [found, is_new] = places.try_emplace(text, static_cast<int64_t>(different.size()));
    if (is_new) different.push_back(text);
    place_of.push_back(found->second);
  }
  return encode_texts(model, different, progress).mean.index_select(0, torch::tensor(place_of, at::kLong));
}

/// Outputs whose own code is not the given one.
std::vector<int64_t> of_other_codes(const EncodedTexts& own, const Tensor& codes) {
  const Tensor away = ((own.mean - codes).abs() / unit_of(own, codes)).amax({1, 2});
  std::vector<int64_t> other;
  for (int64_t i = 0; i < away.size(0); ++i)
    if (!(away[i].item<double>() < kSameCode)) other.push_back(i);
  return other;
}

/// The texts tried so far for codes that are searched for, and the best of each.
class Best {
 public:
  Best(const Tensor& wanted, std::vector<std::string> texts, const Tensor& means)
      : wanted_(wanted), texts_(std::move(texts)), valid_(texts_.size(), false) {
    for (int64_t i = 0; i < wanted.size(0); ++i) nearest_.push_back(distance(i, means[i]));
  }

  void offer(int64_t i, const std::string& text, const Tensor& mean, bool valid) {
    const double away = distance(i, mean);
    if (valid != valid_[i] ? !valid : away >= nearest_[i]) return;
    texts_[i] = text;
    nearest_[i] = away;
    valid_[i] = valid;
  }

  const std::string& text(size_t i) const { return texts_[i]; }

 private:
  double distance(int64_t i, const Tensor& mean) const { return (mean - wanted_[i]).flatten().norm().item<double>(); }

  Tensor wanted_;
  std::vector<std::string> texts_;
  std::vector<double> nearest_;
  std::vector<bool> valid_;
};

}  // namespace

std::vector<std::string> search_outputs(const Model& model, const Tensor& codes, std::vector<std::string> plain,
                                        ValidityCheck* check, const SearchOptions& options,
                                        const DecodeFunction& decode, Progress& progress) {
  TVAE_ASSERT(options.candidates >= 1, "the plain output is one");
  TVAE_ASSERT(static_cast<int64_t>(plain.size()) == codes.size(0), "one output a code");
  if (options.candidates == 1 || plain.empty()) return plain;
  const Tensor given = codes.to(at::kCPU, at::kFloat);
  std::vector<int64_t> open;
  EncodedTexts encoded;  // of the open ones
  if (check != nullptr) {
    const std::vector<bool> valid = check->valid(plain);
    std::vector<std::string> invalid;
    for (size_t i = 0; i < valid.size(); ++i) {
      if (valid[i]) continue;
      open.push_back(static_cast<int64_t>(i));
      invalid.push_back(plain[i]);
    }
    if (!open.empty()) encoded = encode_texts(model, invalid, progress);
  } else {
    const EncodedTexts own = encode_texts(model, plain, progress);
    open = of_other_codes(own, given);
    encoded = rows_of(own, torch::tensor(open, at::kLong));
  }
  if (open.empty()) return plain;

  const Tensor wanted = given.index_select(0, torch::tensor(open, at::kLong)), unit = unit_of(encoded, wanted);
  std::vector<std::string> texts;
  for (const int64_t i : open) texts.push_back(plain[static_cast<size_t>(i)]);
  Best best(wanted, std::move(texts), encoded.mean);
  Rng rng(options.seed);
  const auto count = static_cast<int64_t>(open.size());
  for (int64_t candidate = 1; candidate < options.candidates;) {
    const int64_t rounds = std::clamp<int64_t>(kCodesAtOnce / count, 1, options.candidates - candidate);
    std::vector<Tensor> perturbed;
    for (int64_t round = 0; round < rounds; ++round)
      perturbed.push_back(wanted + options.radius * unit * at::randn(wanted.sizes(), rng.generator(), at::kFloat));
    const Tensor all = at::cat(perturbed);
    const std::vector<std::string> found = decode ? decode(all) : decode_codes(model, all, {}, progress);
    const Tensor means = means_of(model, found, progress);
    const std::vector<bool> valid = check != nullptr ? check->valid(found) : std::vector<bool>(found.size(), false);
    for (size_t i = 0; i < found.size(); ++i) {
      const auto row = static_cast<int64_t>(i);
      best.offer(row % count, found[i], means[row], valid[i]);
    }
    candidate += rounds;
  }
  for (size_t i = 0; i < open.size(); ++i) plain[static_cast<size_t>(open[i])] = best.text(i);
  return plain;
}

std::vector<std::string> search_reconstructions(const Model& model, const Tensor& codes, std::vector<std::string> plain,
                                                const SearchOptions& options, const DecodeFunction& decode,
                                                Progress& progress) {
  SearchOptions nearer = options;
  nearer.radius *= kReconstructionRadius;
  return search_outputs(model, codes, std::move(plain), /*check=*/nullptr, nearer, decode, progress);
}

}  // namespace tvae
