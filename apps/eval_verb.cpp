// tvae eval: the protocol of measurements on held-out data.
#include <filesystem>
#include <memory>

#include "apps/text_io.h"
#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/json.h"
#include "tvae/base/log.h"
#include "tvae/eval/protocol.h"
#include "tvae/eval/report_examples.h"
#include "tvae/eval/report_page.h"
#include "tvae/latent/paths.h"
#include "tvae/run/model_card.h"

namespace tvae::apps {
namespace {

struct Options {
  std::vector<std::string> models;
  std::string data, out;
  bool constrain = false;
  ReadOptions read;
  EvaluationOptions evaluation;
};

/// Whether the report is the output, and nothing is written.
bool to_stdout(const Options& options) {
  return options.out == "-";
}

// Rows that probes are trained on: of one label, and of all together for every sequence that is measured.
constexpr int64_t kProbeRowsALabel = 1000, kProbeRowsASample = 5;

/// Probes can do without labelled training texts, so a file that lacks the label column is read without it.
Rows read_training_rows(const RecordedData& recorded) {
  if (recorded.read.label_column.empty()) return read_rows(recorded.train.path, recorded.read);
  try {
    return read_rows(recorded.train.path, recorded.read);
  } catch (const DataError& error) {
    ReadOptions without_labels = recorded.read;
    without_labels.label_column.clear();
    Rows rows = read_rows(recorded.train.path, without_labels);
    log_info(std::string(error.what()) + ": its labels are not used");
    return rows;
  }
}

/// Why the training texts are not at hand; empty where they are.
std::string no_training_texts(const RecordedData& recorded, const Model& model) {
  const std::string& path = recorded.train.path;
  if (path.empty()) return "the model does not say what it was trained on";
  if (!file_exists(path)) return "the training file " + path + " is not there";
  if (!has_changed(recorded.train, recorded_data(model.directory), model.tokenizer)) return "";
  log_warning(path + " holds other sequences than when the model was trained on it");
  return "the training file " + path + " holds other sequences than when the model was trained on it";
}

void read_training_texts(const RecordedData& recorded, const Model& model, EvaluationOptions& options) {
  options.no_training_texts = no_training_texts(recorded, model);
  if (!options.no_training_texts.empty()) return;
  const Rows rows = read_training_rows(recorded);
  options.training_texts = std::make_shared<TextSet>(rows.texts);
  options.labelled_training_texts =
      sample_labelled(recorded.train.path, rows, kProbeRowsALabel, kProbeRowsASample * options.samples, options.seed);
}

/// A run's data as read then, except for what flags say; they describe --data where that is given.
RecordedData run_data(const std::string& model, const Options& options) {
  RecordedData recorded = recorded_data(model);
  if (!options.data.empty()) return recorded;
  if (!options.read.column.empty()) recorded.read.column = options.read.column;
  if (!options.read.label_column.empty()) recorded.read.label_column = options.read.label_column;
  recorded.read.escapes |= options.read.escapes;
  recorded.read.strict |= options.read.strict;
  return recorded;
}

struct HeldOutFile {
  std::string path;
  ReadOptions read;
  bool given = false;  // by --data
};

/// One file for all models, so that they can be compared: --data, else that of the first model's run.
HeldOutFile held_out_file(const Options& options) {
  if (!options.data.empty()) return {options.data, options.read, true};
  const RecordedData recorded = run_data(options.models.front(), options);
  const std::string& path = recorded.valid.path;
  if (path.empty())
    throw ConfigError("eval needs --data", "", "a file of held-out texts", "the model was trained without one");
  if (!file_exists(path))
    throw ConfigError("the held-out file " + path + " of the model's run.json is not there", "", "",
                      "give one with --data");
  return {path, recorded.read};
}

/// Whether the texts are those that the model's own run held out. Warns where the model may have been trained on them.
bool held_out_by_its_run(const HeldOutFile& file, const Model& model) {
  const RecordedData recorded = recorded_data(model.directory);
  const std::string warning = model.directory + " is measured on " + file.path;
  if (file.path != "-" && !recorded.train.path.empty() && same_file(file.path, recorded.train.path))
    log_warning(warning + ", which it was trained on");
  if (file.path != recorded.valid.path) {
    if (!file.given) log_warning(warning + ", which its training may have seen");
    return false;
  }
  if (!has_changed(recorded.valid, recorded, model.tokenizer)) return true;
  log_warning(warning + ", which holds other sequences than its run held out: its training may have seen them");
  return false;
}

/// The report X.json and its page X.html, for X, X.json or X.html.
struct ReportPaths {
  std::string report, page;
};
ReportPaths report_paths(std::string name) {
  for (const std::string_view suffix : {".json", ".html"})
    if (name.ends_with(suffix))
      return {name.substr(0, name.size() - 5) + ".json", name.substr(0, name.size() - 5) + ".html"};
  return {name, name + ".html"};
}

/// Whether every section is measured, and as well as a card asks for.
bool is_whole_protocol(const Options& options) {
  const EvaluationOptions& how = options.evaluation;
  return how.only.empty() && how.samples >= EvaluationOptions().samples && !options.constrain &&
         how.importance_samples >= EvaluationOptions().importance_samples;
}

/// Whether a report has every section and as many sequences as a card asks for.
bool holds_whole_protocol(const std::string& path) {
  if (!file_exists(path)) return false;
  const auto report = parse_json(read_file(path));
  if (!report.is_object() || !report.contains("skipped") || !report.contains("samples") ||
      !report["samples"].is_number() || report["samples"] < EvaluationOptions().samples)
    return false;
  const auto& skipped = report["skipped"];
  return std::none_of(skipped.begin(), skipped.end(), [](const auto& reason) { return reason == "not asked for"; });
}

void write_scores_to_card(const std::string& directory, nlohmann::ordered_json report) {
  const std::string card = directory + "/README.md";
  if (!file_exists(card)) return;
  report.erase("model");
  report["data"]["path"] = std::filesystem::path(report["data"]["path"].get<std::string>()).filename();
  write_file_atomically(card, with_scores(read_file(card), report_table({report})));
}

/// Measures one model; writes its report and page, unless the report goes to stdout.
nlohmann::ordered_json measure(const std::string& directory, const HeldOutFile& file, const Rows& rows,
                               const Options& options, const CommonOptions& common) {
  const auto [out, page] = report_paths(options.out.empty() ? directory + "/eval/report.json" : options.out);
  const Model model = load_decoder(directory, common, options.constrain);
  const bool own_texts = held_out_by_its_run(file, model) && !file.given && options.read.column.empty();
  const bool for_card = own_texts && options.out.empty() && is_whole_protocol(options);
  if (!to_stdout(options)) require_writable(out);  // before minutes of work
  if (options.out.empty() && !for_card && holds_whole_protocol(out))
    log_warning(out + " is of the whole protocol and is replaced by what is measured now (--out keeps it)");
  EvaluationOptions how = options.evaluation;
  how.seed = how.search.seed = static_cast<uint64_t>(common.seed);
  read_training_texts(run_data(directory, options), model, how);
  Evaluation evaluation(model, sample_held_out(model, file.path, rows, how.samples, how.seed), how);
  auto report = run_protocol(evaluation);
  if (to_stdout(options)) return report;
  write_file_atomically(out, report.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
  write_file_atomically(page, report_page(report, report_examples(evaluation, report)));
  if (for_card) write_scores_to_card(directory, report);
  log_info("written to " + out + " and " + page);
  return report;
}

/// A model that is named twice would be measured twice.
void require_different(const std::vector<std::string>& models) {
  for (size_t i = 0; i < models.size(); ++i)
    for (size_t j = 0; j < i; ++j)
      if (same_file(models[i], models[j])) throw ConfigError("MODEL", models[i] + " twice", "different models");
}

void eval(const Options& options, const CommonOptions& common) {
  check_section_names(options.evaluation.only);
  find_path(options.evaluation.path);
  if (options.models.size() > 1 && !options.out.empty())
    throw ConfigError("--out", options.out, "one model", "reports of several go to MODEL/eval/report.json");
  for (const std::string& directory : options.models) load_model_config(directory);  // all of them, before any work
  require_different(options.models);
  const HeldOutFile file = held_out_file(options);
  const Rows rows = read_texts(file.path, file.read);
  std::vector<nlohmann::ordered_json> reports;
  for (const std::string& directory : options.models)
    reports.push_back(measure(directory, file, rows, options, common));
  if (common.json || to_stdout(options))
    for (const auto& report : reports) print_json(report);
  else
    for (const std::string& line : report_table(reports)) print_line(line);
}

RunVerb set_up(CLI::App& command, const CommonOptions& common) {
  auto options = std::make_shared<Options>();
  std::string sections;
  for (const EvaluationSection& section : evaluation_sections())
    sections += (sections.empty() ? "" : ", ") + section.name;
  command.add_option("MODEL", options->models, "model directory; several are put side by side")->required();
  command.add_option("--data", options->data, "held-out texts; default: the validation file in the model's run.json");
  command.add_option("--only", options->evaluation.only, "sections, comma-separated: " + sections)->delimiter(',');
  command.add_option("--samples", options->evaluation.samples, "sequences, pairs and draws")
      ->check(CLI::Range(1, 10000000))
      ->capture_default_str();
  command.add_option("--path", options->evaluation.path, "path of interpolation: slerp, lerp, token-slerp")
      ->capture_default_str();
  add_search_flags(command, options->evaluation.search);
  add_constrain_flag(command, options->constrain);
  add_prior_scale_flag(command, options->evaluation.prior_scale,
                       "other than 1: samples are also measured with the prior's deviations times this");
  command
      .add_option("--importance-samples", options->evaluation.importance_samples,
                  "draws a sequence for the perplexity of language_model")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  command.add_option("--out", options->out,
                     "report, with a page for the browser beside it (.html), or - for the report on stdout; default "
                     "MODEL/eval/report.json");
  add_read_flags(command, options->read);
  return [options, &common] { eval(*options, common); };
}

const RegisterVerb registered({"eval", "measure a model on held-out data", set_up});

}  // namespace
}  // namespace tvae::apps
