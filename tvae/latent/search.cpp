#include "tvae/latent/search.h"

#include <algorithm>

#include "tvae/base/assert.h"

namespace tvae {
namespace {

using torch::Tensor;

constexpr double kSameCode = 1e-3;  // in posterior standard deviations: rounding, no other text

/// Size of a perturbation of radius 1 in each dimension [N, K, D]: σ of the posteriors of what the codes decode to.
Tensor unit_of(const EncodedTexts& outputs, const Tensor& codes) {
  if (outputs.log_variance) return outputs.posterior().deviation();
  return (kDeterministicUnit * codes.square().mean({1, 2}, true).sqrt()).expand_as(codes);
}

/// Which outputs need no search: those that the check accepts; without a check, those whose own code is the given one.
std::vector<bool> settled(const Model& model, const Tensor& codes, const std::vector<std::string>& texts,
                          ValidityCheck* check) {
  if (check != nullptr) return check->valid(texts);
  const EncodedTexts own = encode_texts(model, texts);
  const Tensor given = codes.to(at::kCPU, at::kFloat);
  const Tensor away = ((own.mean - given).abs() / unit_of(own, given)).amax({1, 2});
  std::vector<bool> same;
  for (int64_t i = 0; i < away.size(0); ++i) same.push_back(away[i].item<double>() < kSameCode);
  return same;
}

}  // namespace

std::vector<std::string> search_outputs(const Model& model, const Tensor& codes, std::vector<std::string> plain,
                                        ValidityCheck* check, const SearchOptions& options,
                                        const DecodeFunction& decode) {
  TVAE_ASSERT(options.candidates >= 1, "the plain output is one");
  TVAE_ASSERT(static_cast<int64_t>(plain.size()) == codes.size(0), "one output a code");
  if (options.candidates == 1) return plain;
  std::vector<std::string> chosen = std::move(plain);
  const std::vector<bool> done = settled(model, codes, chosen, check);
  std::vector<int64_t> open;
  for (size_t i = 0; i < done.size(); ++i)
    if (!done[i]) open.push_back(static_cast<int64_t>(i));
  if (open.empty()) return chosen;

  const Tensor wanted = codes.index_select(0, torch::tensor(open, at::kLong)).to(at::kCPU, at::kFloat);
  std::vector<std::string> texts;
  for (const int64_t i : open) texts.push_back(chosen[static_cast<size_t>(i)]);
  EncodedTexts encoded = encode_texts(model, texts);
  const Tensor unit = unit_of(encoded, wanted);
  Rng rng(options.seed);
  std::vector<double> nearest(open.size());
  std::vector<bool> best_is_valid(open.size(), false);
  for (int64_t candidate = 0; candidate < options.candidates; ++candidate) {
    if (candidate > 0) {
      const Tensor noise = at::randn(wanted.sizes(), rng.generator(), at::kFloat);
      const Tensor perturbed = wanted + options.radius * unit * noise;
      texts = decode ? decode(perturbed) : decode_codes(model, perturbed);
      encoded = encode_texts(model, texts);
    }
    const Tensor distance = (encoded.mean - wanted).flatten(1).norm(2, 1).to(at::kDouble);
    const std::vector<bool> valid =
        check != nullptr && candidate > 0 ? check->valid(texts) : std::vector<bool>(texts.size(), false);
    for (size_t i = 0; i < texts.size(); ++i) {
      const double away = distance[static_cast<int64_t>(i)].item<double>();
      const bool better = candidate == 0 || (valid[i] != best_is_valid[i] ? valid[i] : away < nearest[i]);
      if (!better) continue;
      chosen[static_cast<size_t>(open[i])] = texts[i];
      nearest[i] = away;
      best_is_valid[i] = valid[i];
    }
  }
  return chosen;
}

std::vector<std::string> search_reconstructions(const Model& model, const Tensor& codes, std::vector<std::string> plain,
                                                const SearchOptions& options, const DecodeFunction& decode) {
  SearchOptions nearer = options;
  nearer.radius *= kReconstructionRadius;
  return search_outputs(model, codes, std::move(plain), /*check=*/nullptr, nearer, decode);
}

}  // namespace tvae
