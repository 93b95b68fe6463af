// tvae import: a Hugging Face T5, with or without a Funnel encoder → a model directory with a fresh bottleneck.
#include <memory>

#include "apps/assignments.h"
#include "apps/output_folder.h"
#include "apps/verb.h"
#include "tvae/run/huggingface_model.h"

namespace tvae::apps {
namespace {

struct Options {
  HuggingFaceSource source;
  std::string out;
  std::vector<std::string> presets, assignments;
  bool overwrite = false;
};

ModelSize import_with_hints(const HuggingFaceSource& source, const ResolvedConfig& resolved, RunDirectory& out) {
  try {
    return import_huggingface(source, resolved, out);
  } catch (const NoTokenizer& error) {
    throw CheckpointError(error.what(), "", "", "--tokenizer DIR takes one from elsewhere");
  }
}

void import(const Options& options, const CommonOptions& common) {
  std::vector<std::string> assignments = options.assignments;
  if (common.seed_given) assignments.push_back("train.seed=" + std::to_string(common.seed));
  const ResolvedConfig resolved = resolve_config(options.presets, assignments);
  RunDirectory out = open_output(options.out, options.overwrite);
  const ModelSize size = import_with_hints(options.source, resolved, out);
  if (common.json)
    print_json({{"out", out.path()}, {"weights", size.weights}, {"ids", size.ids}});
  else
    print_line(out.path());
}

const Register<SetUpVerb> registered(
    verbs(), {"import", "make a model of a Hugging Face T5", [](CLI::App& command, const CommonOptions& common) {
                auto options = std::make_shared<Options>();
                command
                    .add_option("HF_DIR", options->source.t5,
                                "folder with config.json and model.safetensors (or its shards) of a T5")
                    ->required();
                command.add_option("PRESET", options->presets,
                                   "presets for what the T5 does not decide (tvae presets); no two may disagree");
                add_set_option(command, options->assignments);
                command.add_option("--out", options->out, "folder to write the model to")->type_name("DIR")->required();
                command
                    .add_option("--funnel", options->source.funnel,
                                "folder with config.json and model.safetensors of a Funnel, for the encoder")
                    ->type_name("DIR");
                command
                    .add_option("--tokenizer", options->source.tokenizer,
                                "tokenizer folder or .model file, where HF_DIR has none")
                    ->type_name("PATH");
                command.add_flag("--overwrite", options->overwrite, "replace the model that is in --out");
                add_examples(command, {"tvae import t5-small t5_vae_flax --out runs/t5",
                                       "tvae import t5-small --out runs/t5 --tokenizer spiece.model"});
                return [options, &common] { import(*options, common); };
              }});

}  // namespace
}  // namespace tvae::apps
