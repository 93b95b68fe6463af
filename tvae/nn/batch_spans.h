// Where the sequences of a batch stand in its token stream.
#pragma once

#include <vector>

#include "tvae/data/token_batch.h"
#include "tvae/ops/spans.h"

namespace tvae {

/// Spans of the sequences of a batch, end to end.
inline Spans spans_of(const std::vector<LengthGroup>& groups) {
  Spans spans;
  int64_t start = 0;
  for (const LengthGroup& group : groups)
    for (int64_t i = 0; i < group.count; ++i, start += group.length) spans.push_back({start, group.length});
  return spans;
}

}  // namespace tvae
