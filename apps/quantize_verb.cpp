// tvae quantize: a model in a quarter of its size, for sending and keeping; every verb takes it.
#include <filesystem>
#include <memory>

#include "apps/verb.h"
#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/json.h"
#include "tvae/run/model_card.h"
#include "tvae/run/model_directory.h"
#include "tvae/run/quantized_weights.h"
#include "tvae/run/run_directory.h"

namespace tvae::apps {
namespace {

struct Options {
  std::string model, out, weights = "int8";
  bool overwrite = false;
};

/// The card of a rounded model: without scores, which were those of other weights.
std::string rounded_card(const std::string& card, const std::string& kind) {
  const std::string kept = without_scores(card), note = "\nIts weights were rounded to " + kind + ".\n";
  return kept.find(note) == std::string::npos ? kept + note : kept;
}

TensorMap rounded_weights(const Model& model, const std::string& kind) {
  TensorMap weights = model.vae.parameters().to_map();
  if (kind == "int8") return quantize_int8(weights);
  for (auto& [name, weight] : weights) {
    weight = weight.to(at::kHalf);
    if (!weight.isfinite().all().item<bool>())
      throw CheckpointError("weight " + name + " is beyond fp16", "", "at most 65504", "use --weights int8");
  }
  return weights;
}

void quantize(const Options& options, const CommonOptions& common) {
  if (!options.overwrite && file_exists(options.out + "/run.json"))
    throw ConfigError(options.out + " already holds a run", "", "", "--overwrite replaces it");
  const RunDirectory out(options.out, options.overwrite ? StartMode::kOverwrite : StartMode::kNew);
  out.require_apart_from(options.model);
  const Model model = load_model(options.model);
  nlohmann::ordered_json run;
  if (const std::string path = options.model + "/run.json"; file_exists(path)) {
    run = parse_json(read_file(path));
    if (!run.is_object()) throw CheckpointError(path + " is damaged", "", "what tvae train writes");
    run["weights"] = options.weights;  // there is no checkpoint to resume from
  }
  const TensorMap weights = rounded_weights(model, options.weights);
  const auto bytes = [](const std::string& folder) {
    return std::filesystem::file_size(folder + "/model.safetensors");
  };
  const uint64_t before = bytes(options.model);
  out.clear();
  save_model(out.path(), model.vae.config(), model.max_tokens, model.check, weights, model.tokenizer);
  if (!run.is_null()) write_file_atomically(out.file("run.json"), run.dump(2) + "\n");
  if (const std::string card = options.model + "/README.md"; file_exists(card))
    write_file_atomically(out.file("README.md"), rounded_card(read_file(card), options.weights));
  const uint64_t after = bytes(out.path());
  if (common.json)
    print_json({{"out", out.path()}, {"weights", options.weights}, {"bytes_before", before}, {"bytes", after}});
  else
    print_line(out.path() + ": " + std::to_string(after) + " bytes of weights, before " + std::to_string(before));
}

const RegisterVerb registered(
    {"quantize", "round a model's weights to int8 or fp16: smaller files",
     [](CLI::App& command, const CommonOptions& common) {
       auto options = std::make_shared<Options>();
       command.add_option("MODEL", options->model, "model directory")->required();
       command.add_option("--out", options->out, "folder to write; fit its prior there")->required();
       command.add_option("--weights", options->weights, "int8 (matrices, with a scale a row) or fp16")
           ->check(CLI::IsMember({"int8", "fp16"}))
           ->capture_default_str();
       command.add_flag("--overwrite", options->overwrite, "replace the model in --out");
       return [options, &common] { quantize(*options, common); };
     }});

}  // namespace
}  // namespace tvae::apps
