#include "tvae/ops/rng.h"

#include "tvae/ops/torch.h"

namespace tvae {

uint64_t Rng::next_key() {
  return mix64(seed_ ^ mix64(draws_++));
}

at::Generator Rng::generator(c10::Device device) {
  const uint64_t key = next_key();
  at::Generator generator = at::globalContext().defaultGenerator(device).clone();
  generator.set_current_seed(key);
  return generator;
}

}  // namespace tvae
