// Where the sequences of a batch stand in its token stream.
#pragma once

#include <vector>

#include "tvae/data/token_batch.h"
#include "tvae/ops/spans.h"
#include "tvae/ops/torch.h"

namespace tvae {

/// Spans of the sequences of a batch, end to end.
inline Spans spans_of(const std::vector<LengthGroup>& groups) {
  Spans spans;
  int64_t start = 0;
  for (const LengthGroup& group : groups)
    for (int64_t i = 0; i < group.count; ++i, start += group.length) spans.push_back({start, group.length});
  return spans;
}

/// The sequence that each of `rows` rows is in: int64 [rows] on the CPU. Every row is in one of the spans.
inline torch::Tensor sequence_of_row(const Spans& spans, int64_t rows) {
  torch::Tensor sequence = at::empty({rows}, at::kLong);
  int64_t* out = sequence.data_ptr<int64_t>();
  for (size_t b = 0; b < spans.size(); ++b) std::fill_n(out + spans[b].start, spans[b].length, static_cast<int64_t>(b));
  return sequence;
}

}  // namespace tvae
