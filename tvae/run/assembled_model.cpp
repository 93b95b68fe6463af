#include "tvae/run/assembled_model.h"

#include "tvae/base/error.h"
#include "tvae/run/model_directory.h"
#include "tvae/run/run_record.h"

namespace tvae {

void require_finite(const torch::Tensor& weight, const std::string& name, const std::string& source) {
  if (weight.is_floating_point() && !weight.isfinite().all().item<bool>())
    throw CheckpointError(source + ": numbers of " + name + " are not finite", "", "",
                          "the file is damaged, or its weights do not fit their number format");
}

void write_imported_model(RunDirectory& out, const RunConfig& settings, const StoredTensors& weights,
                          const Tokenizer& tokenizer) {
  out.replace([&](const std::string& folder) {
    save_model(folder, settings.model, settings.data.max_tokens, settings.data.check, weights, tokenizer);
    write_imported_settings(folder, settings);
  });
}

void assemble_model(const ResolvedConfig& resolved, TensorMap weights, const std::string& tokenizer,
                    const std::string& source, RunDirectory& out) {
  out.require_apart_from(source);
  for (const auto& [name, weight] : weights) require_finite(weight, name, source);
  const auto shared = weights.find("shared.weight");
  if (shared == weights.end() || shared->second.dim() != 2)
    throw CheckpointError(source + " has no embedding", "", "shared.weight [ids, width]");
  const Tokenizer pieces = Tokenizer::load(tokenizer);
  RunConfig settings = resolved.config;
  ModelConfig& model = settings.model;
  model.vocab_size = shared->second.size(0);
  if (pieces.size() > model.vocab_size)
    throw CheckpointError("the tokenizer does not belong to " + source, std::to_string(pieces.size()) + " ids",
                          "at most the " + std::to_string(model.vocab_size) + " of the embedding");
  model.pad_token_id = pieces.pad_id();
  model.eos_token_id = pieces.eos_id();
  model.unk_token_id = pieces.unk_id();
  model.sequence_length = settings.data.max_tokens;
  settle_latent_tokens_and_padding(model);
  require_known_ids(model);
  {  // whether they fit, before memory is taken for sizes that a file claims
    Rng rng(0);
    TransformerVae(model, rng, torch::kMeta).parameters().require_fit(weights, source);
  }
  write_imported_model(out, settings, in_memory(weights), pieces);
}

}  // namespace tvae
