#include <gtest/gtest.h>

#include "tests/support/saved_model.h"
#include "tests/support/temporary_folder.h"
#include "tvae/base/error.h"
#include "tvae/latent/prior.h"

namespace tvae {
namespace {

TEST(SavedPrior, EveryKindComesBackWithItsModel) {
  const test::TemporaryFolder folder;
  const Model model = test::saved_model(folder.path("m"));
  EXPECT_FALSE(load_prior(model).has_value());
  Rng rng(1);
  const torch::Tensor codes = at::randn({100, 2, 4}, rng.generator(), at::kFloat);
  for (const auto& [name, help, kind, order] : prior_kinds().entries()) {
    const PriorFit fit = kind.fit(codes, {}, Progress::none());
    save_prior(model, name, fit);
    const auto saved = load_prior(model);
    ASSERT_TRUE(saved.has_value()) << name;
    EXPECT_EQ(saved->kind, name);
    EXPECT_TRUE(saved->prior->log_density(codes).equal(fit.prior->log_density(codes))) << name;
    const auto facts = nlohmann::json::parse(folder.get("m/latent/prior.json"));
    EXPECT_EQ(facts["kind"], name);
    EXPECT_EQ(facts["codes"], 100);
  }
}

TEST(SavedPrior, ADamagedOneIsNamed) {
  const test::TemporaryFolder folder;
  const Model model = test::saved_model(folder.path("m"));
  folder.put("m/latent/prior.safetensors", "nothing");
  EXPECT_THROW(load_prior(model), CheckpointError);
  save_safetensors(folder.path("m/latent/prior.safetensors"), {{"means", torch::zeros({1, 8})}}, {{"kind", "magic"}});
  EXPECT_THROW(load_prior(model), CheckpointError);
  save_safetensors(folder.path("m/latent/prior.safetensors"), {{"means", torch::zeros({1, 8})}},
                   {{"kind", "gaussian"}});
  EXPECT_THROW(load_prior(model), CheckpointError);
  Rng rng(1);
  const torch::Tensor codes = at::randn({100, 2, 4}, rng.generator(), at::kFloat);
  save_prior(model, "gaussian", fit_prior("gaussian", codes));
  EXPECT_TRUE(load_prior(model).has_value());
  const TensorMap tensors = load_safetensors(folder.path("m/latent/prior.safetensors"));
  save_safetensors(folder.path("m/latent/prior.safetensors"), tensors, {{"kind", "gaussian"}, {"fit_on", "modes"}});
  EXPECT_THROW(load_prior(model), CheckpointError);
  save_prior(model, "flow", fit_prior("flow", codes));
  TensorMap flow = load_safetensors(folder.path("m/latent/prior.safetensors"));
  EXPECT_TRUE(load_prior(model).has_value());
  flow["factor"] = at::zeros_like(flow["factor"]);
  save_safetensors(folder.path("m/latent/prior.safetensors"), flow, {{"kind", "flow"}});
  EXPECT_THROW(load_prior(model), CheckpointError);
}

}  // namespace
}  // namespace tvae
