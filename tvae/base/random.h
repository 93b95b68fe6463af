// Seeded random numbers that are the same on every platform (the standard library's distributions are not): the order
// of data and what is made up as data. Models draw from tvae/ops/rng.h, whose state is part of a checkpoint.
#pragma once

#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include "tvae/base/mix64.h"

namespace tvae {

/// A generator for one purpose: every (seed, stream) pair gives its own sequence.
class PortableRandom {
 public:
  explicit PortableRandom(uint64_t seed, uint64_t stream = 0) : engine_(mix64(mix64(seed) ^ stream)) {}

  /// Uniform in [0, bound), bound > 0, without modulo bias.
  uint64_t below(uint64_t bound) {
    const uint64_t unbiased = UINT64_MAX - UINT64_MAX % bound;  // a multiple of bound
    uint64_t value = engine_();
    while (value >= unbiased) value = engine_();
    return value % bound;
  }

  /// Uniform in [0, 1).
  double uniform() { return static_cast<double>(engine_() >> 11) * 0x1.0p-53; }

  /// Fisher-Yates over [begin, end).
  template <class Iterator>
  void shuffle(Iterator begin, Iterator end) {
    for (auto left = end - begin; left > 1; --left)
      std::swap(begin[left - 1], begin[below(static_cast<uint64_t>(left))]);
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace tvae
