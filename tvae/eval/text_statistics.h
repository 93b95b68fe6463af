// Distances between texts, between sets of texts, and along a path of texts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tvae {

/// Levenshtein distance between sequences of tokens or of characters.
int64_t edit_distance(const std::vector<int32_t>& a, const std::vector<int32_t>& b);

/// Each character of a text as a number (bytes that are no UTF-8 by themselves).
std::vector<int32_t> characters(std::string_view text);

/// distance / max(length), 0 for two empty sequences.
double normalised_distance(const std::vector<int32_t>& a, const std::vector<int32_t>& b);
double normalised_distance(std::string_view a, std::string_view b);  // of characters

/// ∫ |F − G|: how far lengths must move on average to turn one sample into the other. Neither may be empty.
double wasserstein_distance(std::vector<double> a, std::vector<double> b);

/// Jensen-Shannon divergence in bits (0..1) between the character n-grams of two sets of texts, the mean over n = 1, 2,
/// 3; beginnings and ends of texts count as characters.
double ngram_divergence(const std::vector<std::string>& a, const std::vector<std::string>& b);

/// How a path of texts s_0 … s_T behaves, with δ the normalised distance of characters.
struct PathShape {
  double smoothness = 0.0;      // δ(s_0, s_T) / Σ δ(s_t, s_t+1): 1 = no detour; 0 where the path never moves
  double largest_step = 0.0;    // max δ(s_t, s_t+1)
  int64_t distinct = 0;         // different texts strictly between the ends
  int64_t steps = 0;            // steps that change the text
  int64_t monotonic_steps = 0;  // those among them that move away from s_0 and toward s_T
};
PathShape path_shape(const std::vector<std::string>& texts);

}  // namespace tvae
