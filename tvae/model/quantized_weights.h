// Weights in a quarter of their size: matrices as 8-bit integers with a scale a row, as compressed-tensors stores them.
#pragma once

#include <string>

#include "tvae/io/safetensors.h"

namespace tvae {

/// Each matrix NAME [rows, columns] becomes int8 NAME and fp32 NAME_scale [rows, 1], whose product is nearest to it;
/// the rest (norms, biases) becomes fp32. A row's largest number is ±127.
TensorMap quantize_int8(const TensorMap& weights);

/// The same weights in fp32. Tensors that are not int8 stay as they are. Throws CheckpointError, naming `source`, where
/// a scale is missing, has another shape or belongs to no int8 matrix.
TensorMap dequantize(TensorMap weights, const std::string& source);

}  // namespace tvae
