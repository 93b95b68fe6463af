// tvae eval: the protocol of measurements on held-out data.
#include <filesystem>
#include <memory>

#include "apps/text_io.h"
#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/log.h"
#include "tvae/eval/model_card.h"
#include "tvae/eval/protocol.h"
#include "tvae/eval/report_examples.h"
#include "tvae/eval/report_page.h"
#include "tvae/latent/paths.h"

namespace tvae::apps {
namespace {

struct Options {
  std::vector<std::string> models;
  std::string data, out;
  bool constrain = false;
  ReadOptions read;
  EvaluationOptions evaluation;
};

// Rows that probes are trained on: of one label, and of all together for every sequence that is measured.
constexpr int64_t kProbeRowsALabel = 1000, kProbeRowsASample = 5;

/// Probes can do without labelled training texts, so a file that lacks the label column is read without it.
Rows read_training_rows(const RecordedData& recorded) {
  if (recorded.read.label_column.empty()) return read_rows(recorded.train, recorded.read);
  try {
    return read_rows(recorded.train, recorded.read);
  } catch (const DataError& error) {
    ReadOptions without_labels = recorded.read;
    without_labels.label_column.clear();
    Rows rows = read_rows(recorded.train, without_labels);
    log_info(std::string(error.what()) + ": its labels are not used");
    return rows;
  }
}

void read_training_texts(const RecordedData& recorded, EvaluationOptions& options) {
  if (recorded.train.empty()) {
    options.no_training_texts = "the model does not say what it was trained on";
  } else if (!file_exists(recorded.train)) {
    options.no_training_texts = "the training file " + recorded.train + " is not there";
  } else {
    const Rows rows = read_training_rows(recorded);
    options.training_texts = std::make_shared<TextSet>(rows.texts);
    options.labelled_training_texts =
        sample_labelled(recorded.train, rows, kProbeRowsALabel, kProbeRowsASample * options.samples, options.seed);
  }
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
};

/// One file for all models, so that they can be compared: --data, else that of the first model's run.
HeldOutFile held_out_file(const Options& options) {
  if (!options.data.empty()) return {options.data, options.read};
  const RecordedData recorded = run_data(options.models.front(), options);
  if (recorded.valid.empty())
    throw ConfigError("eval needs --data", "", "a file of held-out texts", "the model was trained without one");
  if (!file_exists(recorded.valid))
    throw ConfigError("the held-out file " + recorded.valid + " of the model's run.json is not there", "", "",
                      "give one with --data");
  for (const std::string& model : options.models)
    if (const std::string other = run_data(model, options).valid; other != recorded.valid)
      log_warning(model + " is measured on " + recorded.valid + ", which its training may have seen");
  return {recorded.valid, recorded.read};
}

/// X.html for X.json, NAME.html for any other NAME.
std::string page_path(const std::string& report_path) {
  const std::string_view suffix = ".json";
  return (report_path.ends_with(suffix) ? report_path.substr(0, report_path.size() - suffix.size()) : report_path) +
         ".html";
}

/// Whether the model's card may say it: every section, on the run's own held-out file.
bool is_whole_protocol(const Options& options) {
  return options.evaluation.only.empty() && options.data.empty() && options.out.empty() &&
         options.evaluation.samples >= EvaluationOptions().samples;
}

/// Whether a report has every section and as many sequences as a card asks for.
bool holds_whole_protocol(const std::string& path) {
  if (!file_exists(path)) return false;
  const auto report = nlohmann::json::parse(read_file(path), nullptr, /*allow_exceptions=*/false);
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

/// Measures one model; writes its report and page.
nlohmann::ordered_json measure(const std::string& directory, const HeldOutFile& file, const Rows& rows,
                               const Options& options, const CommonOptions& common) {
  const Model model = load_decoder(directory, common, options.constrain);
  EvaluationOptions how = options.evaluation;
  how.seed = how.search.seed = static_cast<uint64_t>(common.seed);
  read_training_texts(run_data(directory, options), how);
  Evaluation evaluation(model, sample_held_out(model, file.path, rows, how.samples, how.seed), how);
  auto report = run_protocol(evaluation);
  const std::string out = options.out.empty() ? directory + "/eval/report.json" : options.out;
  const std::string page = page_path(out);
  if (options.out.empty() && !is_whole_protocol(options) && holds_whole_protocol(out))
    log_warning(out + " was of the whole protocol and is replaced by a part of it (--out keeps it)");
  write_file_atomically(out, report.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
  write_file_atomically(page, report_page(report, report_examples(evaluation, report)));
  if (is_whole_protocol(options)) write_scores_to_card(directory, report);
  log_info("written to " + out + " and " + page);
  return report;
}

void eval(const Options& options, const CommonOptions& common) {
  check_section_names(options.evaluation.only);
  find_path(options.evaluation.path);
  if (options.models.size() > 1 && !options.out.empty())
    throw ConfigError("--out", options.out, "one model", "reports of several go to MODEL/eval/report.json");
  for (const std::string& directory : options.models) load_model_config(directory);  // all of them, before any work
  const HeldOutFile file = held_out_file(options);
  const Rows rows = read_texts(file.path, file.read);
  std::vector<nlohmann::ordered_json> reports;
  for (const std::string& directory : options.models)
    reports.push_back(measure(directory, file, rows, options, common));
  if (common.json)
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
  command
      .add_option("--importance-samples", options->evaluation.importance_samples,
                  "draws a sequence for the perplexity of language_model")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  command.add_option("--out", options->out,
                     "report, with a page for the browser beside it (.html); default MODEL/eval/report.json");
  add_read_flags(command, options->read);
  return [options, &common] { eval(*options, common); };
}

const RegisterVerb registered({"eval", "measure a model on held-out data", set_up});

}  // namespace
}  // namespace tvae::apps
