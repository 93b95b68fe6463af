#include "tvae/run/quantize.h"

#include <filesystem>

#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/log.h"
#include "tvae/config/model_folder.h"
#include "tvae/io/safetensors.h"
#include "tvae/run/model_card.h"
#include "tvae/run/model_directory.h"
#include "tvae/run/quantized_weights.h"
#include "tvae/run/run_record.h"

namespace tvae {
namespace {

TensorMap rounded_weights(const Model& model, const std::string& kind) {
  TensorMap weights = model.vae.parameters().to_map();
  if (kind == "int8") return quantize_int8(weights);
  if (kind != "fp16") throw ConfigError("the kind of rounded weights", "\"" + kind + "\"", "int8 or fp16");
  for (auto& [name, weight] : weights) {
    weight = weight.to(at::kHalf);
    if (!weight.isfinite().all().item<bool>())
      throw CheckpointError("weight " + name + " is beyond fp16", "", "at most 65504", "int8 takes it");
  }
  return weights;
}

/// What its weights went through.
std::string rounded(const std::string& weights, const std::string& kind) {
  if (weights.empty()) return kind;
  return weights == kind || weights.ends_with(", " + kind) ? weights : weights + ", " + kind;
}

/// The card of a rounded model: without scores, which were those of other weights. Without a record nothing is
/// rendered, and what a person wrote of the model is kept.
std::string rounded_card(const std::optional<RunRecord>& record, const std::string& directory) {
  const std::string card = read_model_card(directory);
  if (!record) return card;
  if (is_own_card(card))
    log_warning(directory + "/README.md lacks the marks of what is rendered, so the rounded model gets a new card");
  return model_card(*record, {}, card);
}

/// "int8" or "fp16" where the weights of a model are rounded already; else empty.
std::string rounding_of(const std::string& directory) {
  std::string found;
  for (const auto& [name, weight] : load_safetensors_shapes(directory + "/model.safetensors")) {
    if (weight.scalar_type() == at::kChar) return "int8";
    if (weight.scalar_type() == at::kHalf) found = "fp16";
  }
  return found;
}

uint64_t bytes_of_weights(const std::string& directory) {
  std::error_code error;
  const uintmax_t bytes = std::filesystem::file_size(directory + "/model.safetensors", error);
  if (error) throw CheckpointError("cannot read " + directory + "/model.safetensors: " + error.message());
  return bytes;
}

}  // namespace

QuantizedModel quantize_model(const std::string& directory, const std::string& kind, RunDirectory& out) {
  out.require_apart_from(directory);
  const Model model = load_model(directory);
  const std::string already = rounding_of(directory);
  if (already == "int8" || already == kind)
    log_warning(directory + " has " + already + " weights already: as " + kind +
                " they become neither smaller nor better (round the model that was trained)");
  auto record = read_run_record(directory);
  if (record) record->weights = rounded(record->weights, kind);  // there is no checkpoint to resume from
  const TensorMap weights = rounded_weights(model, kind);
  const uint64_t before = bytes_of_weights(directory);
  const std::string card = rounded_card(record, directory);
  out.replace([&](const std::string& folder) {
    save_model(folder, model.vae.config(), model.max_tokens, model.check, weights, model.tokenizer);
    if (record) write_run_record(folder, *record);
    const std::string held_out = std::string("/") + kHeldOutFile;
    if (file_exists(directory + held_out)) write_file_atomically(folder + held_out, read_file(directory + held_out));
    if (!card.empty()) write_file_atomically(folder + "/README.md", card);
  });
  return {before, bytes_of_weights(out.path())};
}

}  // namespace tvae
