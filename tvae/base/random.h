// Seeded random numbers that are the same on every platform (the standard library's distributions are not).
#pragma once

#include <cstdint>
#include <random>
#include <utility>
#include <vector>

namespace tvae {

/// A generator for one purpose: every (seed, stream) pair gives its own sequence.
class Random {
 public:
  explicit Random(uint64_t seed, uint64_t stream = 0) : engine_(mix(mix(seed) ^ stream)) {}

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
  /// SplitMix64's finaliser: neighbouring seeds become unrelated ones.
  static uint64_t mix(uint64_t x) {
    x += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
  }

  std::mt19937_64 engine_;
};

}  // namespace tvae
