// Corpus BLEU as sacrebleu defines it (Post 2018): BLEU-4, 13a tokenisation, exponential smoothing, one reference.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tvae {

/// Words and marks of a line: the tokeniser of mteval-v13a (sacrebleu's Tokenizer13a).
std::vector<std::string> bleu_tokens(std::string_view line);

/// What BLEU needs to know of a pair, or of many, added up.
struct BleuCounts {
  std::array<int64_t, 4> correct{}, total{};  // n-grams of the hypothesis that the reference has, and all of them
  int64_t hypothesis_length = 0, reference_length = 0;
  BleuCounts& operator+=(const BleuCounts& more);
};
BleuCounts bleu_counts(const std::string& hypothesis, const std::string& reference);
double bleu(const BleuCounts& counts);

/// In 0..1 (sacrebleu prints a hundred times that). hypotheses[i] belongs to references[i].
double corpus_bleu(const std::vector<std::string>& hypotheses, const std::vector<std::string>& references);

}  // namespace tvae
