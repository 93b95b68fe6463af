// Texts to codes and back, batched: what the front door (space.h), the previews of training and every measurement use.
#pragma once

#include <string>
#include <vector>

#include "tvae/model/generate.h"
#include "tvae/run/model_directory.h"

namespace tvae {

/// Posterior means (and, for Gaussian posteriors, log-variances) of texts, on the CPU in fp32, in input order.
struct EncodedTexts {
  torch::Tensor mean;                         // [N, K, D]
  std::optional<torch::Tensor> log_variance;  // [N, K, D]
  std::vector<bool> cut;  // one a text: longer than the model's max_tokens, encoded by its beginning
  int64_t cut_count() const;

  Posterior posterior() const { return Posterior::of(mean, log_variance); }
};

/// Token ids of a text as the model takes them: eos appended, cut to max_tokens.
std::vector<int32_t> model_ids(const Model& model, const std::string& text, bool* was_cut = nullptr);

/// Tells how many of so many texts were cut to the model's max_tokens, where any were.
void warn_of_cut(const Model& model, int64_t cut, size_t texts);

/// Throws CheckpointError when the weights give codes that are not finite.
EncodedTexts encode_texts(const Model& model, const std::vector<std::string>& texts,
                          Progress& progress = Progress::none());

/// The mean of the encoder's states over each text's tokens: [N, d], on the CPU in fp32, in input order.
torch::Tensor mean_encoder_states(const Model& model, const std::vector<std::string>& texts,
                                  Progress& progress = Progress::none());

/// Throws DataError where codes to decode are not finite.
void require_finite_codes(const torch::Tensor& codes);
/// One output a code, in order. code [N, K, D]. max_tokens is taken from the model.
std::vector<Generated> generate_from(const Model& model, const torch::Tensor& code, GenerationOptions options = {},
                                     Progress& progress = Progress::none());
/// The texts of outputs.
std::vector<std::string> texts_of(const Model& model, const std::vector<Generated>& outputs);
/// Both: one text a code, in order.
std::vector<std::string> decode_codes(const Model& model, const torch::Tensor& code,
                                      const GenerationOptions& options = {}, Progress& progress = Progress::none());

}  // namespace tvae
