// Randomness with a state of two numbers: a seed and a count of draws. Dropout, noise and sampling all take keys from
// it, so that a checkpoint holds the whole state and a recomputed layer draws the same mask.
#pragma once

#include <ATen/core/Generator.h>
#include <c10/core/Device.h>

#include <cstdint>

namespace tvae {

class Rng {
 public:
  explicit Rng(uint64_t seed, uint64_t draws = 0) : seed_(seed), draws_(draws) {}
  /// A fresh key: a hash of the seed and the number of draws so far.
  uint64_t next_key();
  /// A generator seeded with a fresh key, for at::randn and its kin.
  at::Generator generator(c10::Device device = c10::kCPU);

  uint64_t seed() const { return seed_; }
  uint64_t draws() const { return draws_; }

 private:
  uint64_t seed_;
  uint64_t draws_;
};

/// 64-bit mix (SplitMix64's finalizer).
inline uint64_t mix64(uint64_t x) {
  x += 0x9E3779B97F4A7C15ull;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
  return x ^ (x >> 31);
}

/// The uniform 32-bit number at `index` of the stream `key`: two rounds of a xorshift-multiply hash ("lowbias32",
/// C. Wellons), cheap enough to be drawn again in the backward pass instead of stored.
inline uint32_t random_bits(uint64_t key, uint32_t index) {
  uint32_t x = index ^ static_cast<uint32_t>(key);
  x = (x ^ (x >> 16)) * 0x7feb352du;
  x = ((x ^ (x >> 15)) + static_cast<uint32_t>(key >> 32)) * 0x846ca68bu;
  x = (x ^ (x >> 16)) * 0x7feb352du;
  return x ^ (x >> 15);
}

/// Threshold below which random_bits() drops an element with probability p.
inline uint32_t drop_threshold(double p) {
  return static_cast<uint32_t>(p * 4294967295.0);
}

}  // namespace tvae
