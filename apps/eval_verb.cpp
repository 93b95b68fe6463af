// tvae eval: the protocol of measurements on held-out data.
#include <memory>

#include "apps/decoding.h"
#include "apps/text_io.h"
#include "tvae/base/strings.h"
#include "tvae/base/wrap.h"
#include "tvae/eval/evaluate.h"
#include "tvae/latent/paths.h"

namespace tvae::apps {
namespace {

struct Options {
  std::vector<std::string> models;
  EvaluateOptions evaluate;
};

void eval(const Options& options, const CommonOptions& common) {
  EvaluateOptions how = options.evaluate;
  how.protocol.seed = static_cast<uint64_t>(common.seed);
  const bool to_stdout = how.out == "-";  // the report is the output, and nothing is written
  how.write = !to_stdout;
  const auto reports = evaluate(options.models, how, parse_device(common.device));
  if (common.json || to_stdout) {
    for (const auto& report : reports) print_json(report);
    return;
  }
  const auto sentences = reports.front()["verdict"].get<std::vector<std::string>>();
  if (reports.size() == 1 && !sentences.empty()) print_line(wrapped(join(sentences, " ")));  // and an empty line
  for (const std::string& line : report_table(reports)) print_line(line);
}

RunVerb set_up(CLI::App& command, const CommonOptions& common) {
  auto options = std::make_shared<Options>();
  EvaluateOptions& how = options->evaluate;
  EvaluationOptions& protocol = how.protocol;
  command.add_option("MODEL", options->models, "model directory; several are put side by side")->required();
  command.add_option("--data", how.data, "held-out texts; default: the validation file in the model's run.json")
      ->type_name("FILE");
  command
      .add_option("--only", protocol.only,
                  "some sections, with commas between them: " + join(evaluation_sections().names(), ", ") +
                      "; those that the report has besides are kept")
      ->type_name("LIST")
      ->delimiter(',');
  command.add_option("--samples", protocol.samples, "how many texts, pairs and draws are measured")
      ->check(in_range(1, 1e7))
      ->capture_default_str();
  command.add_option("--path", protocol.path, "path between two texts: " + join(paths().names(), ", "))
      ->type_name("NAME")
      ->capture_default_str();
  add_search_flags(command, protocol.search.candidates, protocol.search.radius);
  add_constrain_flag(command, protocol.constrain);
  add_prior_scale_flag(command, protocol.prior_scale,
                       "other than 1: samples are also measured of a prior this much wider");
  command
      .add_option("--importance-samples", protocol.importance_samples,
                  "draws for each text, for the perplexity of language_model")
      ->check(in_range(1, 1e6))
      ->capture_default_str();
  command
      .add_option("--out", how.out,
                  "the report to write, with a page for the browser beside it (.html); - = the report on stdout; "
                  "default MODEL/eval/report.json")
      ->type_name("FILE");
  add_read_flags(command, how.read);
  add_examples(command, {"tvae eval runs/mine", "tvae eval runs/mine runs/other --data held_out.txt --samples 500"});
  return [options, &common] { eval(*options, common); };
}

const Register<SetUpVerb> registered(verbs(), {"eval", "measure a model on held-out data", set_up});

}  // namespace
}  // namespace tvae::apps
