// Random numbers as hashes of a key and a position: cheap enough to be drawn again instead of stored.
#pragma once

#include <cstdint>

#include "tvae/base/mix64.h"

namespace tvae {

/// The uniform 32-bit number at `index` of the stream `key`: two rounds of a xorshift-multiply hash ("lowbias32",
/// C. Wellons).
inline uint32_t random_bits(uint64_t key, uint32_t index) {
  uint32_t x = index ^ static_cast<uint32_t>(key);
  x = (x ^ (x >> 16)) * 0x7feb352du;
  x = ((x ^ (x >> 15)) + static_cast<uint32_t>(key >> 32)) * 0x846ca68bu;
  x = (x ^ (x >> 16)) * 0x7feb352du;
  return x ^ (x >> 15);
}

/// A stream of random numbers for the rows of a tensor, and the place of its first row in it: a process that has a part
/// of a batch draws for it what it would have drawn for it as a part of the whole.
struct RandomKey {
  RandomKey(uint64_t stream = 0, int64_t row = 0) : key(stream), first_row(row) {}
  uint64_t key;
  int64_t first_row;
};

/// Threshold below which random_bits() drops an element with probability p.
inline uint32_t drop_threshold(double p) {
  return static_cast<uint32_t>(p * 4294967295.0);
}

}  // namespace tvae
