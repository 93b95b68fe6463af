// tvae eval: the protocol of measurements on held-out data.
#include <memory>

#include "apps/text_io.h"
#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/log.h"
#include "tvae/eval/protocol.h"
#include "tvae/eval/report_examples.h"
#include "tvae/eval/report_page.h"
#include "tvae/latent/paths.h"

namespace tvae::apps {
namespace {

struct Options {
  std::string model, data, out;
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

/// The run's data as read then, except for what flags say; they describe --data where that is given.
RecordedData run_data(const Options& options) {
  RecordedData recorded = recorded_data(options.model);
  if (!options.data.empty()) return recorded;
  if (!options.read.column.empty()) recorded.read.column = options.read.column;
  if (!options.read.label_column.empty()) recorded.read.label_column = options.read.label_column;
  recorded.read.escapes |= options.read.escapes;
  recorded.read.strict |= options.read.strict;
  return recorded;
}

/// X.html for X.json, NAME.html for any other NAME.
std::string page_path(const std::string& report_path) {
  const std::string_view suffix = ".json";
  return (report_path.ends_with(suffix) ? report_path.substr(0, report_path.size() - suffix.size()) : report_path) +
         ".html";
}

void eval(const Options& options, const CommonOptions& common) {
  check_section_names(options.evaluation.only);
  find_path(options.evaluation.path);
  const Model model = load_model(options.model, parse_device(common.device));
  const RecordedData recorded = run_data(options);
  const std::string path = options.data.empty() ? recorded.valid : options.data;
  if (path.empty())
    throw ConfigError("eval needs --data", "", "a file of held-out texts", "the model was trained without one");
  if (options.data.empty() && !file_exists(path))
    throw ConfigError("the held-out file " + path + " of the model's run.json is not there", "", "",
                      "give one with --data");
  EvaluationOptions how = options.evaluation;
  how.seed = static_cast<uint64_t>(common.seed);
  read_training_texts(recorded, how);
  const Rows rows = read_texts(path, options.data.empty() ? recorded.read : options.read);
  Evaluation evaluation(model, sample_held_out(model, path, rows, how.samples, how.seed), how);
  const auto report = run_protocol(evaluation);
  const std::string out = options.out.empty() ? options.model + "/eval/report.json" : options.out;
  const std::string page = page_path(out);
  write_file_atomically(out, report.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
  write_file_atomically(page, report_page(report, report_examples(evaluation, report)));
  if (common.json)
    print_json(report);
  else
    for (const std::string& line : report_table(report)) print_line(line);
  log_info("written to " + out + " and " + page);
}

RunVerb set_up(CLI::App& command, const CommonOptions& common) {
  auto options = std::make_shared<Options>();
  std::string sections;
  for (const EvaluationSection& section : evaluation_sections())
    sections += (sections.empty() ? "" : ", ") + section.name;
  command.add_option("MODEL", options->model, "model directory")->required();
  command.add_option("--data", options->data, "held-out texts; default: the validation file in the model's run.json");
  command.add_option("--only", options->evaluation.only, "sections, comma-separated: " + sections)->delimiter(',');
  command.add_option("--samples", options->evaluation.samples, "sequences, pairs and draws")
      ->check(CLI::Range(1, 10000000))
      ->capture_default_str();
  command.add_option("--path", options->evaluation.path, "path of interpolation: slerp, lerp, token-slerp")
      ->capture_default_str();
  command.add_option("--out", options->out,
                     "report, with a page for the browser beside it (.html); default MODEL/eval/report.json");
  add_read_flags(command, options->read);
  return [options, &common] { eval(*options, common); };
}

const RegisterVerb registered({"eval", "measure a model on held-out data", set_up});

}  // namespace
}  // namespace tvae::apps
