// How much texts read like others, where no check can judge them: by n-gram models of their tokens. A text is its token
// ids here, the end of the sequence among them.
#pragma once

#include "tvae/ops/torch.h"
#include "tvae/text/kneser_ney.h"

namespace tvae {

class FluencyJudge {
 public:
  using Sequences = KneserNey::Sequences;

  /// `training` texts in random order. Throws DataError where there is none, or none that is held out.
  FluencyJudge(Sequences training, Sequences held_out, int64_t vocabulary);

  /// Nats under a 5-gram model of the training texts, and tokens, of each text: [N, 2], fp64.
  torch::Tensor nats(const Sequences& texts) const;
  /// Nats a token of the held-out texts.
  double held_out_nats() const { return held_out_nats_; }

  /// What the texts teach of the held-out ones: nats a token of these under a 5-gram model of as many training texts,
  /// by those under one of the texts. 1 = as much; texts that lack what held-out ones have teach less.
  double reverse(const Sequences& texts) const;

 private:
  Sequences training_, held_out_;
  int64_t vocabulary_;
  KneserNey model_;
  double held_out_nats_;
};

/// Pairs of neighbouring tokens of each text that stand in it before, and all its pairs: [N, 2], fp64. Their ratio is
/// seq-rep-2 (Welleck et al., "Neural Text Generation with Unlikelihood Training", 2020).
torch::Tensor repeated_pairs(const FluencyJudge::Sequences& texts);

/// distinct-n (Li et al., "A Diversity-Promoting Objective Function for Neural Conversation Models", 2016): different
/// n-grams a n-gram of the first texts that hold `most_tokens`, since more texts have fewer. 0 where there are none.
double distinct_ngrams(const FluencyJudge::Sequences& texts, size_t n, size_t most_tokens);

}  // namespace tvae
