// Corpus BLEU as sacrebleu defines it (Post 2018): BLEU-4, 13a tokenisation, exponential smoothing, one reference.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tvae {

/// Words and marks of a line: the tokeniser of mteval-v13a (sacrebleu's Tokenizer13a).
std::vector<std::string> bleu_tokens(std::string_view line);

/// In 0..1 (sacrebleu prints a hundred times that). hypotheses[i] belongs to references[i].
double corpus_bleu(const std::vector<std::string>& hypotheses, const std::vector<std::string>& references);

}  // namespace tvae
