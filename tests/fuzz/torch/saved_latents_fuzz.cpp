#include "tests/fuzz/fuzz.h"
#include "tests/support/saved_model.h"
#include "tvae/base/log.h"
#include "tvae/latent/directions.h"
#include "tvae/latent/prior.h"

/// A file of MODEL/latent: a prior, or where the first byte is odd a direction.
TVAE_FUZZ(saved_latents) {
  tvae::set_log_handler([](tvae::LogLevel, bool, const std::string&) {});
  const auto& scratch = tvae::test::scratch();
  static const tvae::Model model = tvae::test::saved_model(scratch.path("latent_model"));
  if (tvae::test::take_byte(data) % 2 == 1) {
    scratch.put("latent_model/latent/directions/d.safetensors", std::string(data));
    const tvae::Direction direction = tvae::load_direction(model, "d").direction;
    direction.logit.value(direction.step.unsqueeze(0));
    return;
  }
  scratch.put("latent_model/latent/prior.safetensors", std::string(data));
  const auto saved = tvae::load_prior(model);
  TVAE_ASSERT(saved, "no prior and no error");
  tvae::Rng rng(1);
  saved->prior->log_density(saved->prior->sample(2, rng));
}
