// A model as differentiable functions of embeddings and of codes, with their gradients, for who goes on from these in a
// framework of their own.
#pragma once

#include <string>
#include <vector>

#include "tvae/base/progress.h"
#include "tvae/run/model_directory.h"

namespace tvae {

/// Token embeddings of texts, the end of sequence included.
struct EmbeddedTexts {
  torch::Tensor embeddings;      // [N, L, d]; zeros where a text has ended
  std::vector<int64_t> lengths;  // [N] tokens of each
};

/// Cross-entropies of texts given codes.
struct TextLosses {
  torch::Tensor nats;      // [N], summed over the tokens of each text
  torch::Tensor gradient;  // [N, K, D] of each text's in its own code
};

/// A copy of a model's weights in fp32 or fp64. Tensors are on the CPU and of its type. Every method is const, and one
/// object serves several threads.
class DifferentiableModel {
 public:
  /// Throws as load_model.
  DifferentiableModel(const std::string& directory, torch::Device device, torch::ScalarType type);

  int64_t width() const { return model_.vae.config().d_model; }
  /// Texts are cut to the model's max_tokens, with a warning.
  EmbeddedTexts embed(const std::vector<std::string>& texts, Progress& progress = Progress::none()) const;
  /// Codes [N, K, D], the means of the posteriors, of embeddings [N, L, d] of which the first lengths[n] count.
  torch::Tensor encode(const torch::Tensor& embeddings, const std::vector<int64_t>& lengths,
                       Progress& progress = Progress::none()) const;
  /// The gradient [N, L, d] of the sum of of_codes [N, K, D] times these codes.
  torch::Tensor encode_gradient(const torch::Tensor& embeddings, const std::vector<int64_t>& lengths,
                                const torch::Tensor& of_codes, Progress& progress = Progress::none()) const;
  /// How well each text is written from its code [N, K, D], teacher-forced.
  TextLosses losses(const torch::Tensor& codes, const std::vector<std::string>& texts,
                    Progress& progress = Progress::none()) const;

 private:
  void require_fitting(const torch::Tensor& embeddings, const std::vector<int64_t>& lengths) const;
  torch::Tensor differentiable_codes(const torch::Tensor& embeddings, const std::vector<int64_t>& lengths) const;
  Model model_;
};

}  // namespace tvae
