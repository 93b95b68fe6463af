// Weights in a quarter of their size: matrices as 8-bit integers with a scale a row, as compressed-tensors stores them.
#pragma once

#include <string>

#include "tvae/nn/parameters.h"

namespace tvae {

/// Each matrix NAME [rows, columns] becomes int8 NAME and fp32 NAME_scale [rows, 1], whose product is nearest to it
/// (the largest number of a row that is not all 0 becomes ±127); the rest (norms, biases) becomes fp32.
TensorMap quantize_int8(const TensorMap& weights);

/// The weights of a file: int8 matrices with their scales, other tensors as they are. Throws CheckpointError, naming
/// `source`, where the scale of an int8 matrix is missing, has another shape or is not finite.
WeightMap join_scales(TensorMap tensors, const std::string& source);

/// Whether the numbers that it stands for are finite; true of integers.
bool is_finite(const Weight& weight);

}  // namespace tvae
