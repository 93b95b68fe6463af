// Tensors that stay in their files until they are asked for, one at a time: what a model needs that is larger than the
// memory. The format is safetensors (github.com/huggingface/safetensors): a JSON header, then the numbers.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "tvae/ops/torch.h"

namespace tvae {

struct StoredTensor {
  torch::Tensor shape;                  // sizes and dtype; on the meta device, so that it takes no memory
  std::function<torch::Tensor()> read;  // its numbers, contiguous on the CPU: throws CheckpointError
};
using StoredTensors = std::map<std::string, StoredTensor>;

/// Reads the header, and keeps the file open for the tensors. Checks the header's length, that spans follow one another
/// from the first byte to the last, and that each is shape × dtype (overflow-checked). F64 F32 F16 BF16 I64 I32 I16 I8
/// U8 BOOL. Throws CheckpointError with the path and what is wrong.
StoredTensors open_safetensors(const std::string& path, std::map<std::string, std::string>* metadata = nullptr);

/// Tensors that are there already, on any device and of any stride.
StoredTensor in_memory(const torch::Tensor& tensor);
StoredTensors in_memory(const std::map<std::string, torch::Tensor>& tensors);

/// Writes atomically, holding one tensor at a time. Laid out as the Python package does it, byte for byte: by dtype,
/// the widest first so that all stay aligned, then by name. Throws DataError, and what reading throws.
void write_safetensors(const std::string& path, const StoredTensors& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace tvae
