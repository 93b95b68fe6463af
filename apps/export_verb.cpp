// tvae export: the T5 part of a model → a folder that transformers loads.
#include <memory>

#include "apps/output_folder.h"
#include "apps/verb.h"
#include "tvae/run/huggingface_model.h"

namespace tvae::apps {
namespace {

struct Options {
  std::string model, out;
  bool overwrite = false;
};

void export_model(const Options& options, const CommonOptions& common) {
  RunDirectory out = open_output(options.out, options.overwrite);
  const HuggingFaceT5 t5 = export_huggingface_t5(options.model, out);
  if (common.json)
    print_json({{"out", out.path()}, {"tensors", t5.weights.size()}});
  else
    print_line(out.path());
}

const Register<SetUpVerb> registered(
    verbs(),
    {"export", "write the T5 part of a model for Hugging Face", [](CLI::App& command, const CommonOptions& common) {
       auto options = std::make_shared<Options>();
       command.add_option("MODEL", options->model, "model directory")->required();
       command.add_option("--out", options->out, "folder to write")->type_name("DIR")->required();
       command.add_flag("--overwrite", options->overwrite, "replace the model that is in --out");
       add_examples(command, {"tvae export runs/mine --out runs/mine_t5",
                              "tvae export runs/mine --out runs/mine_t5 --overwrite"});
       return [options, &common] { export_model(*options, common); };
     }});

}  // namespace
}  // namespace tvae::apps
