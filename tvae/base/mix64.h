// The hash that makes unrelated numbers of neighbouring ones, for seeds and keys.
#pragma once

#include <cstdint>

namespace tvae {

/// SplitMix64's finalizer (Steele, Lea & Flood 2014).
inline uint64_t mix64(uint64_t x) {
  x += 0x9E3779B97F4A7C15ull;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
  return x ^ (x >> 31);
}

}  // namespace tvae
