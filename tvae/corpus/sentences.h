// Sentences out of running text, such as Wikipedia's articles.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tvae {

struct SentenceOptions {
  int64_t min_length = 25;  // characters
  int64_t max_length = 200;
};

/// The sentences of a paragraph: cut behind . ! ? (and closing quotes or brackets) before a space and a capital, a
/// digit or an opening quote, but not behind initials and common abbreviations.
std::vector<std::string> split_sentences(std::string_view paragraph);

/// Whether a sentence stands for itself: a length within the bounds, five words or more, begins with a capital or a
/// digit, ends with . ! or ?, quotes and brackets are in balance, and most of it is letters.
bool is_whole_sentence(std::string_view sentence, const SentenceOptions& options);

/// The whole sentences of the files and, in sorted order, of all files in the folders. Lines are paragraphs;
/// WikiExtractor's <doc> lines are left out, its JSON lines give their "text". Throws DataError where a path does not
/// exist.
std::vector<std::string> gather_sentences(const std::vector<std::string>& paths, const SentenceOptions& options);

}  // namespace tvae
