// Texts as weighted counts of their words: the baseline that probes of codes are compared with.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tvae/latent/linear_probe.h"

namespace tvae {

/// Lower-case words: runs of two or more letters, digits and underscores of any script (Python's \b\w\w+\b).
std::vector<std::string> words_of(std::string_view text);

/// TF-IDF with the defaults of scikit-learn's TfidfVectorizer: counts of words times ln((1 + texts)/(1 + texts with the
/// word)) + 1, each row scaled to length 1. Columns are words in order of their bytes.
class TfIdf {
 public:
  /// Takes the vocabulary and its frequencies from these texts.
  explicit TfIdf(const std::vector<std::string>& texts);
  /// Words that the vocabulary lacks do not count: a row without any is empty.
  std::vector<FeatureRow> rows(const std::vector<std::string>& texts) const;
  int64_t words() const { return static_cast<int64_t>(weights_.size()); }

 private:
  std::map<std::string, int32_t> columns_;
  std::vector<double> weights_;  // of each column
};

}  // namespace tvae
