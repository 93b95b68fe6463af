// Compiled with -O3 -ffast-math (CMakeLists.txt): the exponentials are vector instructions.
#include "tvae/ops/gated_gelu_cpu.h"

#include <algorithm>
#include <cmath>

#include "tvae/ops/parallel.h"

namespace tvae::cpu {
namespace {

constexpr int64_t kTile = 64;           // numbers worked on together: whole registers
constexpr int64_t kTilesAThread = 256;  // the least that is worth a thread

constexpr double kScale = 0.7978845608028654, kCubic = 0.044715;  // √(2/π), and the one of the approximation

/// (1 + tanh(u)) / 2 for u = √(2/π) (g + 0.044715 g³): what gelu multiplies g with.
template <class T>
T gate_of(T g) {
  // Of larger exponents the share is 0 beside 1 in any case.
  const T exponent = std::min(T(-2 * kScale) * (g + T(kCubic) * g * g * g), T(80));
  return T(1) / (T(1) + std::exp(exponent));
}

template <class T>
void forward_tile(const T* __restrict gate, const T* __restrict x, T* __restrict out) {
  for (int64_t i = 0; i < kTile; ++i) out[i] = gate[i] * gate_of(gate[i]) * x[i];
}

template <class T>
void backward_tile(const T* __restrict d_out, const T* __restrict gate, const T* __restrict x, T* __restrict d_gate,
                   T* __restrict d_x) {
  for (int64_t i = 0; i < kTile; ++i) {
    const T g = gate[i], share = gate_of(g);
    const T slope = T(2 * kScale) * (T(1) + T(3 * kCubic) * g * g);  // of 2u
    d_x[i] = d_out[i] * g * share;
    d_gate[i] = d_out[i] * x[i] * share * (T(1) + g * (T(1) - share) * slope);
  }
}

/// body(first, numbers) for every tile. The last one may be short: bodies take it through memory of a whole tile, since
/// the exponential of a single number has other last digits than that of a register of them.
template <class Body>
void for_each_tile(int64_t n, const Body& body) {
  parallel_for(0, (n + kTile - 1) / kTile, kTilesAThread, [=](int64_t begin, int64_t end) {
    for (int64_t tile = begin; tile < end; ++tile) body(tile * kTile, std::min(kTile, n - tile * kTile));
  });
}

/// A short tile, filled up with zeros.
template <class T>
struct Padded {
  Padded() = default;
  Padded(const T* from, int64_t count) { std::copy_n(from, count, numbers); }
  T numbers[kTile] = {};
};

}  // namespace

template <class T>
void gated_gelu(const T* gate, const T* x, T* out, int64_t n) {
  for_each_tile(n, [=](int64_t first, int64_t count) {
    if (count == kTile) return forward_tile(gate + first, x + first, out + first);
    const Padded<T> g(gate + first, count), factor(x + first, count);
    Padded<T> result;
    forward_tile(g.numbers, factor.numbers, result.numbers);
    std::copy_n(result.numbers, count, out + first);
  });
}

template <class T>
void gated_gelu_backward(const T* d_out, const T* gate, const T* x, T* d_gate, T* d_x, int64_t n) {
  for_each_tile(n, [=](int64_t first, int64_t count) {
    if (count == kTile) return backward_tile(d_out + first, gate + first, x + first, d_gate + first, d_x + first);
    const Padded<T> d(d_out + first, count), g(gate + first, count), factor(x + first, count);
    Padded<T> of_gate, of_x;
    backward_tile(d.numbers, g.numbers, factor.numbers, of_gate.numbers, of_x.numbers);
    std::copy_n(of_gate.numbers, count, d_gate + first);
    std::copy_n(of_x.numbers, count, d_x + first);
  });
}

template void gated_gelu<float>(const float*, const float*, float*, int64_t);
template void gated_gelu<double>(const double*, const double*, double*, int64_t);
template void gated_gelu_backward<float>(const float*, const float*, const float*, float*, float*, int64_t);
template void gated_gelu_backward<double>(const double*, const double*, const double*, double*, double*, int64_t);

}  // namespace tvae::cpu
