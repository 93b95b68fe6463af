#include "tvae/io/safetensors.h"

#include "tvae/io/stored_tensors.h"

namespace tvae {

TensorMap load_safetensors(const std::string& path, std::map<std::string, std::string>* metadata) {
  TensorMap tensors;
  for (const auto& [name, tensor] : open_safetensors(path, metadata)) tensors[name] = tensor.read();
  return tensors;
}

TensorMap load_safetensors_shapes(const std::string& path) {
  TensorMap shapes;
  for (const auto& [name, tensor] : open_safetensors(path)) shapes[name] = tensor.shape;
  return shapes;
}

void save_safetensors(const std::string& path, const TensorMap& tensors,
                      const std::map<std::string, std::string>& metadata) {
  write_safetensors(path, in_memory(tensors), metadata);
}

}  // namespace tvae
