// The safetensors format (github.com/huggingface/safetensors): named tensors in one file, a JSON header before them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tvae/ops/torch.h"

namespace tvae {

using TensorMap = std::map<std::string, torch::Tensor>;

/// Reads every tensor (CPU, its own memory, dtype as stored). Checks the header's length, that spans follow one another
/// from the first byte to the last, and that each is shape × dtype (overflow-checked). F64 F32 F16 BF16 I64 I32 I16 I8
/// U8 BOOL. Throws CheckpointError with the path and what is wrong.
TensorMap load_safetensors(const std::string& path, std::map<std::string, std::string>* metadata = nullptr);

/// The same of the header alone: tensors on the meta device, which have shapes and types and take no memory.
TensorMap load_safetensors_shapes(const std::string& path);

/// Writes atomically, one tensor at a time; they may be on any device and of any stride. Laid out as the Python package
/// does it, byte for byte: by dtype, the widest first so that all stay aligned, then by name. Throws DataError.
void save_safetensors(const std::string& path, const TensorMap& tensors,
                      const std::map<std::string, std::string>& metadata = {});

}  // namespace tvae
