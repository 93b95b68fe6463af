// MMD as T5-VAE (2020) and Transformer-VAE (2021) publish it, kept for
// comparison: at the published scales its gradient is nearly nothing.
#include "tvae/model/regularizer.h"
#include "tvae/ops/mmd.h"
#include "tvae/ops/on_device.h"

namespace tvae {
namespace {

class MmdPublishedRegularizer : public Regularizer {
 public:
  explicit MmdPublishedRegularizer(const LossConfig& loss) : loss_(loss) {}

  RegularizerResult operator()(const RegularizerInput& input, Rng& rng) override {
    const auto sequences = input.code.size(0), tokens = input.code.size(1);
    const torch::Tensor codes = input.code.reshape({sequences * tokens, input.code.size(2)});
    const torch::Tensor prior =
        on_device(at::randn(codes.sizes(), rng.generator(), at::kFloat), codes.device()).to(codes);
    torch::Tensor mmd = gaussian_mmd(prior, codes, loss_.mmd.bandwidth);
    if (loss_.mmd.scaling == "2021") mmd = mmd * (static_cast<double>(tokens) / static_cast<double>(sequences));
    return {mmd, {}};
  }

 private:
  LossConfig loss_;
};

const Register<RegularizerFactory> registered(regularizers(),
                                              {"mmd_published", "the MMD loss of the published systems (2020, 2021)",
                                               [](const LossConfig& loss, const ModelConfig&) {
                                                 return std::make_unique<MmdPublishedRegularizer>(loss);
                                               }});

}  // namespace
}  // namespace tvae
