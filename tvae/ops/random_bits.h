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

/// Threshold below which random_bits() drops an element with probability p.
inline uint32_t drop_threshold(double p) {
  return static_cast<uint32_t>(p * 4294967295.0);
}

}  // namespace tvae
