#include "tvae/run/weights_fingerprint.h"

#include <algorithm>

#include "tvae/base/files.h"
#include "tvae/base/log.h"
#include "tvae/base/mapped_file.h"

namespace tvae {

std::string weights_fingerprint(const Model& model) {
  const std::string path = model.directory + "/model.safetensors";
  const auto mapped = MappedFile::open(path);  // the weights are in memory already, and may be most of it
  return hex(hash_bytes(mapped ? mapped->bytes() : read_file(path)));
}

std::string codes_fingerprint(const Model& model) {
  const auto& weights = model.vae.parameters().list();
  const bool of_integers = multiplies_integers() && std::any_of(weights.begin(), weights.end(), [](const auto& weight) {
                             return weight.scale.defined();
                           });
  return weights_fingerprint(model) + (of_integers ? "-integers" : "");
}

bool warn_of_other_weights(const Model& model, const std::string& path, const std::string& fingerprint) {
  if (fingerprint == weights_fingerprint(model)) return false;
  log_warning(path + " was fitted to other weights of this model; fit it again");
  return true;
}

}  // namespace tvae
