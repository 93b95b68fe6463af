// Compiled with -O3 -ffast-math (CMakeLists.txt): softmax and dropout vectorise.
#include "tvae/ops/attention_cpu.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "tvae/ops/parallel.h"
#include "tvae/ops/random_bits.h"

namespace tvae::cpu {
namespace {

constexpr int64_t kBlock = 16;  // queries worked on together

#ifdef __AVX512F__
constexpr int64_t kVectorBytes = 64;
constexpr int kVectorsOfEight = 2;  // registers of sums for each of eight rows: there are 32
#else
constexpr int64_t kVectorBytes = 32;
constexpr int kVectorsOfEight = 1;  // there are 16
#endif
/// One vector register.
template <class T>
using Vector [[gnu::vector_size(kVectorBytes)]] = T;
template <class T>
constexpr int64_t kLanes = kVectorBytes / sizeof(T);

template <class T>
Vector<T> load(const T* from) {
  Vector<T> numbers;
  std::memcpy(&numbers, from, sizeof(numbers));
  return numbers;
}

int64_t round_up(int64_t n, int64_t multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

/// A matrix by its first element and the steps between rows and between columns.
template <class T>
struct View {
  T* data;
  int64_t row_step, column_step = 1;
  View<T> transposed() const { return {data, column_step, row_step}; }
};

/// c [rows, columns] from a [rows, inner] and b [inner, columns].
struct ProductSize {
  int64_t rows, columns, inner;
};

/// `rows` rows and `vectors` · kLanes columns of a product. The sums stay in registers: eight and more of them hide the
/// adders' latency, and a number that is read serves several.
template <class T, int rows, int vectors>
void product_tile(View<const T> a, View<const T> b, View<T> c, int64_t inner, bool accumulate) {
  Vector<T> sum[rows][vectors] = {};
  for (int64_t p = 0; p < inner; ++p) {
    Vector<T> b_row[vectors];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) b_row[v] = load(b.data + p * b.row_step + v * kLanes<T>);
#pragma GCC unroll 8
    for (int r = 0; r < rows; ++r) {
      const T factor = a.data[r * a.row_step + p * a.column_step];
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) sum[r][v] += factor * b_row[v];
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) {
      T* out = c.data + r * c.row_step + v * kLanes<T>;
      if (accumulate) sum[r][v] += load(out);
      std::memcpy(out, &sum[r][v], sizeof(sum[r][v]));
    }
  }
}

/// The columns from `first` on of a band of `rows` rows, as many as fill `vectors` registers each time; returns the
/// column after them.
template <class T, int rows, int vectors>
int64_t product_columns(int64_t first, View<const T> a, View<const T> b, View<T> c, const ProductSize& size,
                        bool accumulate) {
  constexpr int64_t kColumns = vectors * kLanes<T>;
  for (; first + kColumns <= size.columns; first += kColumns)
    product_tile<T, rows, vectors>(a, {b.data + first, b.row_step}, {c.data + first, c.row_step}, size.inner,
                                   accumulate);
  return first;
}

/// c = a · b or c += a · b from row `first` on, as many bands of `rows` rows as fit; returns the row after them.
template <class T, int rows, int vectors>
int64_t product_bands(int64_t first, View<const T> a, View<const T> b, View<T> c, const ProductSize& size,
                      bool accumulate) {
  for (; first + rows <= size.rows; first += rows) {
    const View<const T> a_band{a.data + first * a.row_step, a.row_step, a.column_step};
    const View<T> c_band{c.data + first * c.row_step, c.row_step};
    int64_t j = product_columns<T, rows, vectors>(0, a_band, b, c_band, size, accumulate);
    j = product_columns<T, rows, 1>(j, a_band, b, c_band, size, accumulate);
    for (; j < size.columns; ++j)
      for (int r = 0; r < rows; ++r) {
        T sum = 0;
        for (int64_t p = 0; p < size.inner; ++p)
          sum += a_band.data[r * a.row_step + p * a.column_step] * b.data[p * b.row_step + j];
        T& out = c_band.data[r * c.row_step + j];
        out = accumulate ? out + sum : sum;
      }
  }
  return first;
}

/// c = a · b or c += a · b; the columns of b and c stand side by side.
template <class T>
void product(View<const T> a, View<const T> b, View<T> c, const ProductSize& size, bool accumulate) {
  int64_t row = product_bands<T, 8, kVectorsOfEight>(0, a, b, c, size, accumulate);
  row = product_bands<T, 4, 2>(row, a, b, c, size, accumulate);
  row = product_bands<T, 2, 4>(row, a, b, c, size, accumulate);
  product_bands<T, 1, 4>(row, a, b, c, size, accumulate);
}

/// A (head, sequence) pair with its pointers: rows of q, k, v are head_size long and `stride` apart.
template <class T>
struct Item {
  const T* query;
  const T* key;
  const T* value;
  const T* bias;  // bias[j - i] for key j at query i (the place of the first query included), or null
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
                                               first_place(item.query_length, item.key_length);
  item.probability_offset = a.offsets[sequence] + head * q.length * k.length;
  return item;
}

template <class T>
int64_t visible_keys(const AttentionArguments<T>& a, const Item<T>& item, int64_t query) {
  return a.options.causal ? std::min(item.key_length, query + first_place(item.query_length, item.key_length) + 1)
                          : item.key_length;
}

/// columns[c][j] = rows[j][c], `padded` apart, zeros from `length` on
template <class T>
void transpose(const T* rows, int64_t length, int64_t width, int64_t stride, int64_t padded, std::vector<T>& columns) {
  columns.resize(width * padded);
  for (int64_t j = 0; j < length; ++j)
    for (int64_t c = 0; c < width; ++c) columns[c * padded + j] = rows[j * stride + c];
  for (int64_t c = 0; c < width; ++c) std::fill_n(columns.data() + c * padded + length, padded - length, T(0));
}

/// values[j] *= 0 or 1/(1-p), drawn from the probability's own index
template <class T>
void drop(const AttentionOptions& options, int64_t offset, int64_t n, T* __restrict values) {
  const uint32_t threshold = drop_threshold(options.dropout);
  const T scale = static_cast<T>(1.0 / (1.0 - options.dropout));
  const uint64_t key = options.dropout_key;
  const auto first = static_cast<uint32_t>(options.dropout_first + offset);
  for (int64_t j = 0; j < n; ++j) {
    const T kept = values[j] * scale;
    values[j] = random_bits(key, first + static_cast<uint32_t>(j)) < threshold ? T(0) : kept;
  }
}

/// Scores of one query become probabilities: keys from `visible` up to `padded` get none.
template <class T>
void softmax_row(T* __restrict scores, int64_t visible, int64_t padded) {
  T largest = scores[0];
  for (int64_t j = 1; j < visible; ++j) largest = std::max(largest, scores[j]);
  // The pads are computed with the others, as a score that is there: whole registers, and no slow way for numbers that
  // the exponential rounds to 0.
  std::fill(scores + visible, scores + padded, largest);
  for (int64_t j = 0; j < padded; ++j) scores[j] = std::exp(scores[j] - largest);
  std::fill(scores + visible, scores + padded, T(0));
  T sum = 0;
  for (int64_t j = 0; j < padded; ++j) sum += scores[j];
  const T inverse = T(1) / sum;
  for (int64_t j = 0; j < padded; ++j) scores[j] *= inverse;
}

/// The sum of a register's numbers, half and half.
template <class T>
T sum_of(const Vector<T>& numbers) {
  T halves[kLanes<T>];
  std::memcpy(halves, &numbers, sizeof(halves));
#pragma GCC unroll 4
  for (int64_t half = kLanes<T> / 2; half > 0; half /= 2)
    for (int64_t i = 0; i < half; ++i) halves[i] += halves[i + half];
  return halves[0];
}

/// The output of a single query of `vectors` registers without dropout: query and output stay in registers, and each
/// key and value is read once, where it lies. `scores` has room for whole registers.
template <class T, int vectors>
void attend_single(const Item<T>& item, int64_t keys, int64_t stride, T* scores, T* output) {
  Vector<T> query[vectors], sum[vectors] = {};
  for (int v = 0; v < vectors; ++v) query[v] = load(item.query + v * kLanes<T>);
  for (int64_t j = 0; j < keys; ++j) {
    Vector<T> products = query[0] * load(item.key + j * stride);
    for (int v = 1; v < vectors; ++v) products += query[v] * load(item.key + j * stride + v * kLanes<T>);
    scores[j] = sum_of<T>(products) + (item.bias == nullptr ? T(0) : item.bias[j]);
  }
  softmax_row(scores, keys, round_up(keys, kLanes<T>));
  for (int64_t j = 0; j < keys; ++j)
    for (int v = 0; v < vectors; ++v) sum[v] += scores[j] * load(item.value + j * stride + v * kLanes<T>);
  std::memcpy(output, sum, sizeof(sum));
}

/// The same for the widths of a head that are usual; false, and nothing done, for others.
template <class T>
bool attend_single(const Item<T>& item, int64_t keys, int64_t width, int64_t stride, T* scores, T* output) {
  if (width == 2 * kLanes<T>)
    attend_single<T, 2>(item, keys, stride, scores, output);
  else if (width == 4 * kLanes<T>)
    attend_single<T, 4>(item, keys, stride, scores, output);
  else if (width == 8 * kLanes<T>)
    attend_single<T, 8>(item, keys, stride, scores, output);
  else
    return false;
  return true;
}

}  // namespace

template <class T>
void attention_forward(const AttentionArguments<T>& a, T* output, T* probabilities) {
  const int64_t heads = a.options.num_heads, width = a.head_size, stride = heads * width;
  const auto sequences = static_cast<int64_t>(a.queries->size());
  // Head after head, since sequences stand sorted by length: a thread then gets long and short ones. Of single queries
  // (decoding) sequence after sequence, since the heads of a key lie side by side: they are read from memory once.
  const bool single = std::all_of(a.queries->begin(), a.queries->end(), [](const Span& q) { return q.length == 1; });
  parallel_for(0, heads * sequences, 1, [&](int64_t begin, int64_t end) {
    std::vector<T> key_columns, scores;
    for (int64_t unit = begin; unit < end; ++unit) {
      const Item<T> item =
          single ? item_of(a, unit % heads, unit / heads) : item_of(a, unit / sequences, unit % sequences);
      const int64_t padded = round_up(item.key_length, kLanes<T>);
      scores.resize(kBlock * padded);
      if (single && probabilities == nullptr && a.options.dropout == 0 &&
          attend_single(item, visible_keys(a, item, 0), width, stride, scores.data(), output + item.query_start))
        continue;
      // One query (decoding) is not worth transposing the keys for.
      const bool transposed = item.query_length > 1;
      if (transposed) transpose(item.key, item.key_length, width, stride, padded, key_columns);
      for (int64_t first = 0; first < item.query_length; first += kBlock) {
        const int64_t rows = std::min(kBlock, item.query_length - first);
        const int64_t keys = visible_keys(a, item, first + rows - 1), wide = round_up(keys, kLanes<T>);
        const T* q = item.query + first * stride;
        if (transposed)
          product<T>({q, stride}, {key_columns.data(), padded}, {scores.data(), padded}, {rows, wide, width}, false);
        else
          for (int64_t j = 0; j < keys; ++j) {
            T dot = 0;
            const T* k = item.key + j * stride;
            for (int64_t c = 0; c < width; ++c) dot += q[c] * k[c];
            scores[j] = dot;
          }
        for (int64_t r = 0; r < rows; ++r) {
          const int64_t i = first + r, n = visible_keys(a, item, i);
          T* row = scores.data() + r * padded;
          if (item.bias != nullptr)
            for (int64_t j = 0; j < n; ++j) row[j] += item.bias[j - i];
          softmax_row(row, n, wide);
          const int64_t offset = item.probability_offset + i * item.key_length;
          if (probabilities != nullptr) std::copy_n(row, n, probabilities + offset);
          if (a.options.dropout > 0) drop(a.options, offset, wide, row);
        }
        product<T>({scores.data(), padded}, {item.value, stride}, {output + item.query_start + first * stride, stride},
                   {rows, width, keys}, false);
      }
    }
  });
}

template <class T>
void attention_backward(const AttentionArguments<T>& a, const T* probabilities, const T* d_output, T* d_query, T* d_key,
                        T* d_value, T* d_bias, const std::vector<int64_t>& chunk_of, int64_t chunks) {
  const int64_t heads = a.options.num_heads, width = a.head_size, stride = heads * width;
  const auto sequences = static_cast<int64_t>(a.queries->size());
  // A unit is a head and the sequences of a chunk, so that sums add up in an order that does not depend on the number
  // of threads.
  parallel_for(0, heads * chunks, 1, [&](int64_t begin, int64_t end) {
    std::vector<T> value_columns, d_scores, dropped;
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t head = unit / chunks, chunk = unit % chunks;
      for (int64_t sequence = 0; sequence < sequences; ++sequence) {
        if (chunk_of[sequence] != chunk) continue;
        const Item<T> item = item_of(a, head, sequence);
        T* bias_row = d_bias == nullptr ? nullptr
                                        : d_bias + (chunk * heads + head) * a.bias_columns + (a.bias_columns - 1) / 2 -
                                              first_place(item.query_length, item.key_length);
        const int64_t padded = round_up(item.key_length, kLanes<T>);
        transpose(item.value, item.key_length, width, stride, padded, value_columns);
        d_scores.resize(kBlock * padded);
        dropped.resize(kBlock * padded);
        for (int64_t first = 0; first < item.query_length; first += kBlock) {
          const int64_t rows = std::min(kBlock, item.query_length - first);
          const int64_t keys = visible_keys(a, item, first + rows - 1), wide = round_up(keys, kLanes<T>);
          const View<const T> q{item.query + first * stride, stride};
          const View<const T> d_out{d_output + item.query_start + first * stride, stride};
          product<T>(d_out, {value_columns.data(), padded}, {d_scores.data(), padded}, {rows, wide, width}, false);
          for (int64_t r = 0; r < rows; ++r) {
            const int64_t i = first + r, n = visible_keys(a, item, i);
            const int64_t offset = item.probability_offset + i * item.key_length;
            const T* __restrict p = probabilities + offset;
            T* __restrict d_row = d_scores.data() + r * padded;
            T* __restrict dropped_row = dropped.data() + r * padded;
            std::copy_n(p, n, dropped_row);
            if (a.options.dropout > 0) {
              drop(a.options, offset, n, dropped_row);
              drop(a.options, offset, n, d_row);
            }
            T inner = 0;
            for (int64_t j = 0; j < n; ++j) inner += p[j] * d_row[j];
            for (int64_t j = 0; j < n; ++j) d_row[j] = p[j] * (d_row[j] - inner);
            for (int64_t j = n; j < keys; ++j) d_row[j] = dropped_row[j] = 0;
            if (bias_row != nullptr)
              for (int64_t j = 0; j < n; ++j) bias_row[j - i] += d_row[j];
          }
          const View<const T> d_score{d_scores.data(), padded}, probability{dropped.data(), padded};
          product<T>(d_score, {item.key, stride}, {d_query + item.query_start + first * stride, stride},
                     {rows, width, keys}, false);
          product<T>(d_score.transposed(), q, {d_key + item.key_start, stride}, {keys, width, rows}, true);
          product<T>(probability.transposed(), d_out, {d_value + item.key_start, stride}, {keys, width, rows}, true);
        }
      }
    }
  });
}

template void attention_forward<float>(const AttentionArguments<float>&, float*, float*);
template void attention_forward<double>(const AttentionArguments<double>&, double*, double*);
template void attention_backward<float>(const AttentionArguments<float>&, const float*, const float*, float*, float*,
                                        float*, float*, const std::vector<int64_t>&, int64_t);
template void attention_backward<double>(const AttentionArguments<double>&, const double*, const double*, double*,
                                         double*, double*, double*, const std::vector<int64_t>&, int64_t);

}  // namespace tvae::cpu
