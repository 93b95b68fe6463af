// Randomness with a state of two numbers: a seed and a count of draws. Dropout, noise and sampling all take keys from
// it, so that a checkpoint holds the whole state and a recomputed layer draws the same mask. What is drawn from a key
// comes from libtorch's generators; the order of data and the demo data, which do without libtorch, come from
// tvae/base/random.h.
#pragma once

#include <ATen/core/Generator.h>
#include <c10/core/Device.h>

#include <cstdint>

#include "tvae/ops/random_bits.h"

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

}  // namespace tvae
