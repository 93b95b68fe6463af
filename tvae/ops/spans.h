// Where sequences stand in a token stream.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace tvae {

/// Rows [start, start + length) of a stream.
struct Span {
  int64_t start = 0;
  int64_t length = 0;
  bool operator==(const Span&) const = default;
};
using Spans = std::vector<Span>;

/// `count` spans of `length` rows each, end to end.
inline Spans equal_spans(int64_t count, int64_t length) {
  Spans spans(count);
  for (int64_t i = 0; i < count; ++i) spans[i] = {i * length, length};
  return spans;
}

inline int64_t longest(const Spans& spans) {
  int64_t length = 0;
  for (const Span& span : spans) length = std::max(length, span.length);
  return length;
}

}  // namespace tvae
