// A prior of somebody else: this file alone adds it. Uniform between the least and the largest of each number of codes.
#include "tvae/base/error.h"
#include "tvae/latent/prior.h"

namespace tvae {
namespace {

using torch::Tensor;

class BoxPrior : public Prior {
 public:
  BoxPrior(Tensor low, Tensor high) : low_(std::move(low)), high_(std::move(high)) {}

  Tensor sample(int64_t n, Rng& rng, double scale) const override {
    const Tensor middle = 0.5 * (low_ + high_);
    const Tensor drawn = at::rand({n, low_.size(0), low_.size(1)}, rng.generator(), at::kFloat);
    return middle + scale * (low_ + drawn * (high_ - low_) - middle);
  }
  Tensor log_density(const Tensor& codes) const override {
    const Tensor inside = (codes >= low_).logical_and(codes <= high_).flatten(1).all(1);
    const Tensor density = -(high_ - low_).to(at::kDouble).log().sum();
    return at::where(inside, density, at::full_like(density, -std::numeric_limits<double>::infinity()));
  }
  TensorMap tensors() const override { return {{"low", low_}, {"high", high_}}; }

 private:
  Tensor low_, high_;  // [K, D]
};

PriorFit fit(const Tensor& codes, const PriorFitOptions&, Progress&) {
  return {std::make_unique<BoxPrior>(codes.amin(0), codes.amax(0)), {{"codes", codes.size(0)}}};
}

std::unique_ptr<Prior> load(const TensorMap& tensors, int64_t, int64_t) {
  if (!tensors.contains("low") || !tensors.contains("high")) throw CheckpointError("no tensor low or high");
  return std::make_unique<BoxPrior>(tensors.at("low"), tensors.at("high"));
}

const Register<PriorKind> registered(prior_kinds(), {"box", "uniform in a box", {fit, load}});

}  // namespace
}  // namespace tvae
