// The CPU kernel behind attention(): plain loops over (head, sequence), instantiated for float and double.
#pragma once

#include <cstdint>
#include <vector>

#include "tvae/ops/attention_options.h"
#include "tvae/ops/spans.h"

namespace tvae::cpu {

template <class T>
struct AttentionArguments {
  const T* query;  // [Tq, H·k]
  const T* key;    // [Tk, H·k]
  const T* value;
  const T* relative_bias;  // [H, 2R-1] or null
  int64_t bias_columns;    // 2R-1
  int64_t head_size;       // k
  const Spans* queries;
  const Spans* keys;
  std::vector<int64_t> offsets;  // [B+1] first probability of each sequence: H·Lq·Lk a sequence
  AttentionOptions options;
};

/// Writes output [Tq, H·k] and, where given, the probabilities before dropout, at offsets[b] + (h·Lq + i)·Lk + j.
template <class T>
void attention_forward(const AttentionArguments<T>& arguments, T* output, T* probabilities);

/// Gradients; d_query, d_key, d_value zeroed by the caller, d_bias [chunks, H, 2R-1] likewise, or null. The chunks work
/// at the same time: chunk_of[b] is that of sequence b, and sequences that share keys are in one.
template <class T>
void attention_backward(const AttentionArguments<T>& arguments, const T* probabilities, const T* d_output, T* d_query,
                        T* d_key, T* d_value, T* d_bias, const std::vector<int64_t>& chunk_of, int64_t chunks);

}  // namespace tvae::cpu
