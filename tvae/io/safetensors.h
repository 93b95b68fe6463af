// The safetensors format: named tensors in one file.
#pragma once

#include <torch/torch.h>

#include <map>
#include <string>
#include <vector>

namespace tvae {

using TensorMap = std::map<std::string, torch::Tensor>;

/// Reads every tensor (CPU, its own memory). Checks the header's length, that spans are in order, inside the file and
/// equal shape × dtype (overflow-checked), and that nothing is left over. F64 F32 F16 BF16 I64 I32 I16 I8 U8 BOOL.
/// Throws CheckpointError with the path and what is wrong.
TensorMap load_safetensors(const std::string& path, std::map<std::string, std::string>* metadata = nullptr);

/// Writes atomically; tensors are made contiguous on the CPU. Names in byte order.
void save_safetensors(const std::string& path, const TensorMap& tensors,
                      const std::map<std::string, std::string>& metadata = {});

}  // namespace tvae
