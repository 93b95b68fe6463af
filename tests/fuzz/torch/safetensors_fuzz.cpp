#include "tests/fuzz/fuzz.h"
#include "tvae/io/safetensors.h"

/// What loads has the shapes that the header alone gives, and is the same file when it is written twice.
TVAE_FUZZ(safetensors) {
  const auto& scratch = tvae::test::scratch();
  const std::string path = scratch.put("a.safetensors", std::string(data));
  std::map<std::string, std::string> metadata;
  const tvae::TensorMap tensors = tvae::load_safetensors(path, &metadata);
  const tvae::TensorMap shapes = tvae::load_safetensors_shapes(path);
  TVAE_ASSERT(tensors.size() == shapes.size(), "the header alone gives other tensors");
  for (const auto& [name, tensor] : tensors)
    TVAE_ASSERT(tensor.sizes() == shapes.at(name).sizes() && tensor.dtype() == shapes.at(name).dtype(),
                "the header alone gives other shapes");
  const std::string first = scratch.path("first.safetensors"), second = scratch.path("second.safetensors");
  tvae::save_safetensors(first, tensors, metadata);
  tvae::save_safetensors(second, tvae::load_safetensors(first), metadata);
  TVAE_ASSERT(scratch.get("first.safetensors") == scratch.get("second.safetensors"), "tensors that do not read back");
}
