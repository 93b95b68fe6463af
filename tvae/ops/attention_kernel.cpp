// Compiled with -O3 -ffast-math (see CMakeLists.txt): the inner loops run over contiguous rows and vectorise.
#include "tvae/ops/attention_kernel.h"

#include <ATen/Parallel.h>

#include <cmath>

#include "tvae/ops/rng.h"

namespace tvae::kernel {
namespace {

/// A (head, sequence) pair with its pointers: rows of q, k, v are head_size long and `stride` apart.
template <class T>
struct Item {
  const T* query;
  const T* key;
  const T* value;
  const T* bias;  // bias[j - i] for key j at query i (query_offset included), or null
  int64_t query_start, key_start, query_length, key_length;
  int64_t probability_offset;
};

template <class T>
Item<T> item_of(const AttentionArguments<T>& a, int64_t head, int64_t sequence) {
  const Span q = (*a.queries)[sequence], k = (*a.keys)[sequence];
  const int64_t stride = a.options.num_heads * a.head_size, column = head * a.head_size;
  Item<T> item;
  item.query_start = q.start * stride + column;
  item.key_start = k.start * stride + column;
  item.query = a.query + item.query_start;
  item.key = a.key + item.key_start;
  item.value = a.value + item.key_start;
  item.query_length = q.length;
  item.key_length = k.length;
  item.bias = a.relative_bias == nullptr ? nullptr
                                         : a.relative_bias + head * a.bias_columns + (a.bias_columns - 1) / 2 -
                                               a.options.query_offset;
  item.probability_offset = a.offsets[sequence] + head * q.length * k.length;
  return item;
}

template <class T>
int64_t visible_keys(const AttentionArguments<T>& a, const Item<T>& item, int64_t query) {
  return a.options.causal ? std::min(item.key_length, query + a.options.query_offset + 1) : item.key_length;
}

/// columns[c][j] = rows[j][c]
template <class T>
void transpose(const T* rows, int64_t length, int64_t width, int64_t stride, std::vector<T>& columns) {
  columns.resize(width * length);
  for (int64_t j = 0; j < length; ++j)
    for (int64_t c = 0; c < width; ++c) columns[c * length + j] = rows[j * stride + c];
}

/// out[j] = sum_c row[c] · columns[c][j], four c at a time so that out stays in registers longer
template <class T>
void row_times_columns(const T* __restrict row, const T* __restrict columns, int64_t width, int64_t length, int64_t n,
                       T* __restrict out) {
  for (int64_t j = 0; j < n; ++j) out[j] = 0;
  int64_t c = 0;
  for (; c + 4 <= width; c += 4) {
    const T r0 = row[c], r1 = row[c + 1], r2 = row[c + 2], r3 = row[c + 3];
    const T* __restrict c0 = columns + c * length;
    const T* __restrict c1 = c0 + length;
    const T* __restrict c2 = c1 + length;
    const T* __restrict c3 = c2 + length;
    for (int64_t j = 0; j < n; ++j) out[j] += r0 * c0[j] + r1 * c1[j] + r2 * c2[j] + r3 * c3[j];
  }
  for (; c < width; ++c)
    for (int64_t j = 0; j < n; ++j) out[j] += row[c] * columns[c * length + j];
}

/// out[c] += sum_j weights[j] · rows[j][c]
template <class T>
void weighted_rows(const T* __restrict weights, const T* __restrict rows, int64_t n, int64_t width, int64_t stride,
                   T* __restrict out) {
  int64_t j = 0;
  for (; j + 4 <= n; j += 4) {
    const T w0 = weights[j], w1 = weights[j + 1], w2 = weights[j + 2], w3 = weights[j + 3];
    const T* __restrict r0 = rows + j * stride;
    const T* __restrict r1 = r0 + stride;
    const T* __restrict r2 = r1 + stride;
    const T* __restrict r3 = r2 + stride;
    for (int64_t c = 0; c < width; ++c) out[c] += w0 * r0[c] + w1 * r1[c] + w2 * r2[c] + w3 * r3[c];
  }
  for (; j < n; ++j)
    for (int64_t c = 0; c < width; ++c) out[c] += weights[j] * rows[j * stride + c];
}

/// keep[j] = 0 or 1/(1-p), drawn from the probability's own index
template <class T>
void draw_keep(const AttentionOptions& options, int64_t offset, int64_t n, T* __restrict keep) {
  const uint32_t threshold = drop_threshold(options.dropout);
  const T scale = static_cast<T>(1.0 / (1.0 - options.dropout));
  const uint64_t key = options.dropout_key;
  const auto first = static_cast<uint32_t>(offset);
  for (int64_t j = 0; j < n; ++j)
    keep[j] = random_bits(key, first + static_cast<uint32_t>(j)) < threshold ? T(0) : scale;
}

}  // namespace

template <class T>
void attention_forward(const AttentionArguments<T>& a, T* output, T* probabilities) {
  const int64_t heads = a.options.num_heads, width = a.head_size, stride = heads * width;
  const auto sequences = static_cast<int64_t>(a.queries->size());
  at::parallel_for(0, heads * sequences, 1, [&](int64_t begin, int64_t end) {
    std::vector<T> key_columns, scores, keep;
    for (int64_t unit = begin; unit < end; ++unit) {
      const Item<T> item = item_of(a, unit % heads, unit / heads);
      // One query (decoding) is not worth transposing the keys for.
      const bool transposed = item.query_length > 1;
      if (transposed) transpose(item.key, item.key_length, width, stride, key_columns);
      scores.resize(item.key_length);
      keep.resize(item.key_length);
      for (int64_t i = 0; i < item.query_length; ++i) {
        const int64_t n = visible_keys(a, item, i);
        const T* q = item.query + i * stride;
        if (transposed) {
          row_times_columns(q, key_columns.data(), width, item.key_length, n, scores.data());
        } else {
          for (int64_t j = 0; j < n; ++j) {
            T dot = 0;
            const T* k = item.key + j * stride;
            for (int64_t c = 0; c < width; ++c) dot += q[c] * k[c];
            scores[j] = dot;
          }
        }
        if (item.bias != nullptr)
          for (int64_t j = 0; j < n; ++j) scores[j] += item.bias[j - i];
        T largest = scores[0];
        for (int64_t j = 1; j < n; ++j) largest = std::max(largest, scores[j]);
        T sum = 0;
        for (int64_t j = 0; j < n; ++j) sum += (scores[j] = std::exp(scores[j] - largest));
        const T inverse = T(1) / sum;
        for (int64_t j = 0; j < n; ++j) scores[j] *= inverse;
        const int64_t offset = item.probability_offset + i * item.key_length;
        if (probabilities != nullptr)
          for (int64_t j = 0; j < n; ++j) probabilities[offset + j] = scores[j];
        if (a.options.dropout > 0) {
          draw_keep(a.options, offset, n, keep.data());
          for (int64_t j = 0; j < n; ++j) scores[j] *= keep[j];
        }
        T* out = output + item.query_start + i * stride;
        for (int64_t c = 0; c < width; ++c) out[c] = 0;
        weighted_rows(scores.data(), item.value, n, width, stride, out);
      }
    }
  });
}

template <class T>
void attention_backward(const AttentionArguments<T>& a, const T* probabilities, const T* d_output, T* d_query, T* d_key,
                        T* d_value, T* d_bias, int64_t chunks) {
  const int64_t heads = a.options.num_heads, width = a.head_size, stride = heads * width;
  const auto sequences = static_cast<int64_t>(a.queries->size());
  // A unit is a head and every `chunks`-th sequence, so that the bias gradient adds up in an order that does not depend
  // on the number of threads.
  at::parallel_for(0, heads * chunks, 1, [&](int64_t begin, int64_t end) {
    std::vector<T> value_columns, d_scores, keep, dropped;
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t head = unit % heads, chunk = unit / heads;
      T* bias_row = d_bias == nullptr ? nullptr
                                      : d_bias + (chunk * heads + head) * a.bias_columns + (a.bias_columns - 1) / 2 -
                                            a.options.query_offset;
      for (int64_t sequence = chunk; sequence < sequences; sequence += chunks) {
        const Item<T> item = item_of(a, head, sequence);
        transpose(item.value, item.key_length, width, stride, value_columns);
        d_scores.resize(item.key_length);
        keep.resize(item.key_length);
        dropped.resize(item.key_length);
        T* dk = d_key + item.key_start;
        T* dv = d_value + item.key_start;
        for (int64_t i = 0; i < item.query_length; ++i) {
          const int64_t n = visible_keys(a, item, i);
          const int64_t offset = item.probability_offset + i * item.key_length;
          const T* __restrict p = probabilities + offset;
          const T* __restrict d_out = d_output + item.query_start + i * stride;
          const T* __restrict q = item.query + i * stride;
          row_times_columns(d_out, value_columns.data(), width, item.key_length, n, d_scores.data());
          const T* applied = p;
          if (a.options.dropout > 0) {
            draw_keep(a.options, offset, n, keep.data());
            for (int64_t j = 0; j < n; ++j) {
              d_scores[j] *= keep[j];
              dropped[j] = p[j] * keep[j];
            }
            applied = dropped.data();
          }
          T inner = 0;
          for (int64_t j = 0; j < n; ++j) inner += p[j] * d_scores[j];
          for (int64_t j = 0; j < n; ++j) d_scores[j] = p[j] * (d_scores[j] - inner);
          for (int64_t j = 0; j < n; ++j) {
            const T weight = applied[j], d_score = d_scores[j];
            T* __restrict dv_row = dv + j * stride;
            T* __restrict dk_row = dk + j * stride;
            for (int64_t c = 0; c < width; ++c) {
              dv_row[c] += weight * d_out[c];
              dk_row[c] += d_score * q[c];
            }
          }
          weighted_rows(d_scores.data(), item.key, n, width, stride, d_query + item.query_start + i * stride);
          if (bias_row != nullptr)
            for (int64_t j = 0; j < n; ++j) bias_row[j - i] += d_scores[j];
        }
      }
    }
  });
}

template void attention_forward<float>(const AttentionArguments<float>&, float*, float*);
template void attention_forward<double>(const AttentionArguments<double>&, double*, double*);
template void attention_backward<float>(const AttentionArguments<float>&, const float*, const float*, float*, float*,
                                        float*, float*, int64_t);
template void attention_backward<double>(const AttentionArguments<double>&, const double*, const double*, double*,
                                         double*, double*, double*, int64_t);

}  // namespace tvae::kernel
