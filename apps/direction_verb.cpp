// tvae direction: named directions in latent space. Fitted to two files of texts, applied to texts, listed.
#include <memory>
#include <optional>

#include "apps/decoding.h"
#include "apps/model_texts.h"
#include "apps/text_io.h"
#include "tvae/base/error.h"
#include "tvae/base/folder_lock.h"
#include "tvae/base/log.h"

namespace tvae::apps {
namespace {

using Json = nlohmann::ordered_json;

struct FitOptions {
  std::string name, positive, negative, method = "mean";
  ReadOptions read;
};

struct ApplyOptions {
  std::string name, file = "-";
  std::optional<std::string> text;  // instead of those of the file
  std::vector<double> strengths = {1.0};
  ReadOptions read;
  DecodeOptions decode;
};

void fit(const std::string& directory, const FitOptions& options, const CommonOptions& common) {
  check_direction_name(options.name);
  if (options.positive == "-" && options.negative == "-")
    throw ConfigError("--positive and --negative are both stdin", "", "", "put one in a file");
  const std::vector<std::string> positive = read_texts(options.positive, options.read, directory).texts;
  const std::vector<std::string> negative = read_texts(options.negative, options.read, directory).texts;
  const LatentSpace space = open_space(directory, common);
  const FolderLock lock(directory);  // no training and no second fit writes there meanwhile
  space.require_direction_place(options.name);
  const DirectionFit fitted =
      space.fit_direction(positive, negative, options.method, static_cast<uint64_t>(common.seed));
  space.save_direction(options.name, fitted);
  Json facts = {{"name", options.name}};
  facts.update(fitted.facts);
  print_facts(facts, common);
}

void apply(const std::string& directory, const ApplyOptions& options, const CommonOptions& common) {
  const LatentSpace space = open_space(directory, common);
  const Direction direction = space.direction(options.name).direction;
  const bool escapes = with_escapes(options.read.escapes, directory);
  const std::vector<std::string> texts = options.text
                                             ? std::vector<std::string>{given_text(*options.text, "--text", escapes)}
                                             : read_texts(options.file, options.read, directory).texts;
  const int64_t at_once = std::max<int64_t>(1, kTextsAtOnce / static_cast<int64_t>(options.strengths.size()));
  size_t start = 0;
  for (const torch::Tensor& codes : space.encode(texts).mean.split(at_once)) {
    for (const MovedText& moved : space.move(codes, direction, options.strengths, with_common(options.decode, common)))
      print_output(moved.output, escapes, common,
                   {{"source", texts[start + moved.source]}, {"strength", moved.strength}, {"logit", moved.logit}});
    start += static_cast<size_t>(codes.size(0));
  }
}

void list(const std::string& directory, const CommonOptions& common) {
  const std::vector<Json> directions = list_directions(directory);
  if (directions.empty()) log_info(directory + " has no directions; make one: tvae direction " + directory + " fit");
  for (const Json& facts : directions) {
    if (common.json) {
      print_json(facts);
      continue;
    }
    const auto text = [&facts](const char* key) {
      const Json& value = facts[key];
      return value.is_string()         ? value.get<std::string>()
             : value.is_number_float() ? rounded_text(value.get<double>())
                                       : value.dump();
    };
    print_line(text("name") + ": " + text("method") + " of " + text("positive") + " and " + text("negative") +
               " texts, held-out accuracy " + text("held_out_accuracy") + " of " + text("held_out") + " (majority " +
               text("held_out_majority") + ")");
  }
}

using ModelName = std::shared_ptr<std::string>;

RunVerb set_up_fit(CLI::App& command, const CommonOptions& common, const ModelName& model) {
  auto options = std::make_shared<FitOptions>();
  command.add_option("--name", options->name, "its name; one of that name is replaced")->type_name("NAME")->required();
  command.add_option("--positive", options->positive, "texts it leads to; - = stdin")->type_name("FILE")->required();
  command.add_option("--negative", options->negative, "texts it leads away from; - = stdin")
      ->type_name("FILE")
      ->required();
  command.add_option("--method", options->method, direction_methods().described())
      ->type_name("NAME")
      ->capture_default_str();
  add_read_flags(command, options->read);
  command.footer(
      "A fifth of each kind of texts is held out to measure the accuracy; what is saved is then fitted to all of "
      "them.");
  add_examples(command,
               {"tvae direction runs/mine fit --name note --positive notes.txt --negative no.txt",
                "tvae direction runs/mine fit --name long --positive a.csv --negative b.csv --method logistic"});
  return [=, &common] { fit(*model, *options, common); };
}

RunVerb set_up_apply(CLI::App& command, const CommonOptions& common, const ModelName& model) {
  auto options = std::make_shared<ApplyOptions>();
  command.add_option("--name", options->name, "which one")->type_name("NAME")->required();
  CLI::Option* text = command.add_option("--text", options->text, "one text, instead of FILE");
  command.add_option("FILE", options->file, "texts; - = stdin")->capture_default_str()->excludes(text);
  add_strength_flag(command, options->strengths,
                    "how far: 1 goes as far as the two kinds of texts lie apart on average");
  add_decode_flags(command, options->decode);
  add_read_flags(command, options->read);
  options->read.keep_empty = true;  // as many rows of output for each line of input
  command.footer(
      "A line a strength for each text, in order. --json gives {source, strength, logit, text} a line, with \"valid\" "
      "where the data has a check; the logit says how sure it is that the code is of a positive text (above 0).");
  add_examples(command, {R"(tvae direction runs/mine apply --name note --text "x = 1" --strength 0.5,1)",
                         "tvae direction runs/mine apply lines.txt --name note --json"});
  return [=, &common] { apply(*model, *options, common); };
}

RunVerb set_up(CLI::App& command, const CommonOptions& common) {
  const auto model = std::make_shared<std::string>();
  // Not ->required(): CLI11 would then take a verb that comes before it for the model. missing_argument() asks for it.
  command.add_option("MODEL", *model, "model directory");
  const auto with_model = [model](const auto& set_up_verb) -> SetUpVerb {
    return [=](CLI::App& below, const CommonOptions& options) { return set_up_verb(below, options, model); };
  };
  const RunVerb run =
      set_up_below(command, common,
                   {{"fit", "fit one to the codes of texts; written to MODEL/latent", with_model(set_up_fit)},
                    {"apply", "move texts along one", with_model(set_up_apply)},
                    {"list", "the directions that a model has", [model](CLI::App& below, const CommonOptions& options) {
                       add_examples(below, {"tvae direction runs/mine list", "tvae direction runs/mine list --json"});
                       return [=, &options] { list(*model, options); };
                     }}});
  add_examples(command,  // behind the verbs, which would inherit them
               {"tvae direction runs/mine fit --name note --positive notes.txt --negative no.txt",
                R"(tvae direction runs/mine apply --name note --text "x = 1" --strength 0.5,1)"});
  return [model, run] { run(); };
}

const Register<SetUpVerb> registered(verbs(),
                                     {"direction", "named directions in latent space: fit, apply, list", set_up});

}  // namespace
}  // namespace tvae::apps
