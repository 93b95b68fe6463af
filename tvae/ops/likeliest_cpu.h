// The CPU kernel behind likeliest().
#pragma once

#include <cstdint>

namespace tvae::cpu {

/// Of each of `rows` rows of n logits the place of the largest, and its probability.
void likeliest(const float* logits, int64_t rows, int64_t n, int64_t* ids, float* probability);

}  // namespace tvae::cpu
