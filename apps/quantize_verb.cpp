// tvae quantize: a model in a quarter of its size, for sending and keeping; every verb takes it.
#include <memory>

#include "apps/output_folder.h"
#include "apps/verb.h"
#include "tvae/run/quantize.h"

namespace tvae::apps {
namespace {

struct Options {
  std::string model, out, weights = "int8";
  bool overwrite = false;
};

void quantize(const Options& options, const CommonOptions& common) {
  RunDirectory out = open_output(options.out, options.overwrite);
  const QuantizedModel quantized = quantize_model(options.model, options.weights, out);
  if (common.json)
    print_json({{"out", out.path()},
                {"weights", options.weights},
                {"bytes_before", quantized.bytes_before},
                {"bytes", quantized.bytes}});
  else
    print_line(out.path() + ": " + std::to_string(quantized.bytes) + " bytes of weights, before " +
               std::to_string(quantized.bytes_before));
}

const Register<SetUpVerb> registered(
    verbs(),
    {"quantize", "round a model's weights, for smaller files", [](CLI::App& command, const CommonOptions& common) {
       auto options = std::make_shared<Options>();
       command.add_option("MODEL", options->model, "model directory")->required();
       command.add_option("--out", options->out, "folder to write; a prior has to be fitted to it again")
           ->type_name("DIR")
           ->required();
       command.add_option("--weights", options->weights, "int8: a quarter of the size; fp16: half of it")
           ->check(one_of({"int8", "fp16"}))
           ->capture_default_str();
       command.add_flag("--overwrite", options->overwrite, "replace the model that is in --out");
       add_examples(command, {"tvae quantize runs/mine --out runs/mine_int8",
                              "tvae quantize runs/mine --out runs/mine_fp16 --weights fp16"});
       return [options, &common] { quantize(*options, common); };
     }});

}  // namespace
}  // namespace tvae::apps
