// An n-gram language model of token ids, to tell how likely texts are where no check can judge them: interpolated
// modified Kneser-Ney smoothing (Chen and Goodman, "An Empirical Study of Smoothing Techniques for Language Modeling",
// 1998, section 3).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tvae {

struct KneserNeyOptions {
  int64_t order = 5;
  int64_t vocabulary = 0;           // ids are 0 .. vocabulary - 1
  int64_t most_tokens = 2'000'000;  // of the sequences those are counted that come first, up to so many tokens
};

class KneserNey {
 public:
  using Sequences = std::vector<std::vector<int32_t>>;

  /// Counts n-grams within sequences; a sequence's end counts where it is among its ids. Some 12 bytes a token and
  /// order while it counts. Throws DataError where there are no tokens.
  KneserNey(const Sequences& sequences, const KneserNeyOptions& options);

  /// -log p of each id of a sequence given those before it, in nats. The ids must be below the vocabulary.
  std::vector<double> nats(const std::vector<int32_t>& sequence) const;

  /// p(id | the ids before it), of which the last order - 1 count. The first id of a sequence stands after begin().
  double probability(std::span<const int32_t> before, int32_t id) const;
  int32_t begin() const { return static_cast<int32_t>(vocabulary_); }

 private:
  /// The distinct n-grams of one n, each at the place of its key among the sorted ones: the place of its first n - 1
  /// ids in the level before, and its last id.
  struct Level {
    std::vector<uint64_t> keys;
    std::vector<double> weight;  // of the n-gram's last id after the others: its count less the discount
    std::vector<double> total;   // of the counts after this n-gram
    std::vector<double> left;    // of these what the discounts took, which is for the shorter context
  };

  int64_t vocabulary_;
  std::vector<Level> levels_;  // n = 0, of one empty n-gram, then 1, 2, ...
};

}  // namespace tvae
