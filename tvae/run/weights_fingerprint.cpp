#include "tvae/run/weights_fingerprint.h"

#include "tvae/base/files.h"
#include "tvae/base/log.h"

namespace tvae {

std::string weights_fingerprint(const Model& model) {
  return hex(hash_bytes(read_file(model.directory + "/model.safetensors")));
}

bool warn_of_other_weights(const Model& model, const std::string& path, const std::string& fingerprint) {
  if (fingerprint == weights_fingerprint(model)) return false;
  log_warning(path + " was fitted to other weights of this model; fit it again");
  return true;
}

}  // namespace tvae
