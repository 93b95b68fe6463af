// The CPU kernel behind multiquadric_mmd(), instantiated for float and double.
#pragma once

#include <array>
#include <cstdint>

namespace tvae::cpu {

/// The scales of the kernel in units of 2D: K(s) = Σ_C C/(C+s) at squared distance s, C = 2D · scale.
constexpr std::array<double, 7> kMultiquadricScales = {0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0};

/// Σ K(squared[i]) over n squared distances between points of D dimensions; with `want_slope`, dK/ds takes their place.
template <class T>
double multiquadric_sum(T* squared, int64_t n, double dimensions, bool want_slope);

}  // namespace tvae::cpu
