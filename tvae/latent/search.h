// Decode-time search: several outputs a code, of which the best one is kept (docs/evaluation.md).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tvae/latent/codec.h"
#include "tvae/validity/validity.h"

namespace tvae {

struct SearchOptions {
  int64_t candidates = 1;  // outputs a code, the plain one among them; 1 = no search
  double radius = 1.0;     // of the perturbations, in posterior standard deviations (kDeterministicUnit without any)
  uint64_t seed = 42;
};

/// Of codes without a posterior's σ: this share of the code's root mean square.
inline constexpr double kDeterministicUnit = 0.1;

/// One text a code [N, K, D], in order: the plain greedy output where `check` accepts it. Else, of it and of greedy
/// outputs of perturbed codes, the valid one whose own code is nearest to the given one; the nearest of all where none
/// is valid. Without a check the nearest of all for every code.
/// `decode` makes the further outputs, greedily; empty = decode_codes.
using DecodeFunction = std::function<std::vector<std::string>(const torch::Tensor& codes)>;
std::vector<std::string> search_outputs(const Model& model, const torch::Tensor& codes, std::vector<std::string> plain,
                                        ValidityCheck* check, const SearchOptions& options,
                                        const DecodeFunction& decode = {}, Progress& progress = Progress::none());

/// The text that was encoded has the code itself, so it is looked for nearer than a valid one: at this share of the
/// radius.
inline constexpr double kReconstructionRadius = 0.3;

/// search_outputs without a check, for codes of texts: of the plain output and of greedy ones nearby, the one whose own
/// code is nearest.
std::vector<std::string> search_reconstructions(const Model& model, const torch::Tensor& codes,
                                                std::vector<std::string> plain, const SearchOptions& options,
                                                const DecodeFunction& decode = {},
                                                Progress& progress = Progress::none());

}  // namespace tvae
