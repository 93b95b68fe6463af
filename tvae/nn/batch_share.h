// The part of a batch that this process computes, where several share one (tvae/dist). What is drawn at random is drawn
// as for the whole batch, so that the number of processes changes no number.
#pragma once

#include <functional>

#include "tvae/ops/spans.h"
#include "tvae/ops/torch.h"

namespace tvae {

struct BatchShare {
  Spans whole = {};   // every sequence of the whole batch, laid out as the stream at hand; none: there is one process
  Spans keys = {};    // the rows among them that may be attended to
  int64_t first = 0;  // the first of them that is this process's
  /// Rows [B', ...] of this process's sequences → those of the whole batch [B, ...], without gradients. The processes
  /// call it together.
  std::function<torch::Tensor(const torch::Tensor&)> gather = {};

  bool is_part() const { return !whole.empty(); }
  /// Sequences of the whole batch, of which `own` are this process's.
  int64_t sequences(int64_t own) const { return is_part() ? static_cast<int64_t>(whole.size()) : own; }
  /// Rows of the whole stream, of which `own` are this process's.
  int64_t rows(int64_t own) const { return is_part() ? whole.back().start + whole.back().length : own; }
  int64_t rows_before() const { return is_part() ? whole[static_cast<size_t>(first)].start : 0; }
  /// Length of the longest sequence of the whole batch, of which `own` are this process's.
  int64_t longest_of(const Spans& own) const { return longest(is_part() ? whole : own); }
};

}  // namespace tvae
