#include "tvae/eval/evaluate.h"

#include <algorithm>
#include <filesystem>
#include <memory>

#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/json.h"
#include "tvae/base/log.h"
#include "tvae/eval/report_examples.h"
#include "tvae/eval/report_page.h"
#include "tvae/latent/paths.h"
#include "tvae/run/model_card.h"

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;

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
  if (!is_regular_file(path))
    return "the training file " + path + (file_exists(path) ? " was a pipe" : " is not there");
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

/// A run's data as read then, except for what the options say; they describe options.data where that is given.
RecordedData run_data(const std::string& model, const EvaluateOptions& options) {
  RecordedData recorded = recorded_data(model);
  if (!options.data.empty()) return recorded;
  if (!options.read.column.empty()) recorded.read.column = options.read.column;
  if (!options.read.label_column.empty()) recorded.read.label_column = options.read.label_column;
  recorded.read.escapes |= options.read.escapes;
  recorded.read.strict |= options.read.strict;
  recorded.read.quotes |= options.read.quotes;
  return recorded;
}

struct HeldOutFile {
  std::string path;
  ReadOptions read;
  bool given = false;  // by the options
  Rows rows = {};
};

/// One file for all models, so that they can be compared: the given one, else that of the first model's run.
HeldOutFile read_held_out_file(const std::string& first_model, const EvaluateOptions& options) {
  HeldOutFile file{options.data, options.read, true};
  if (options.data.empty()) {
    const RecordedData recorded = run_data(first_model, options);
    file = {recorded.valid.path, recorded.read};
    if (file.path.empty())
      throw with_remedy(ConfigError("no held-out texts: the model was trained without", "", "", "give a file of them"),
                        Remedy::kGiveTexts);
    require_recorded_file("held-out", file.path, "give one that is");
  }
  file.rows = read_rows_with_warnings(file.path, file.read);
  return file;
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

struct ReportPaths {
  std::string report, page;
};
ReportPaths report_paths(const std::string& name) {
  for (const std::string_view suffix : {".json", ".html"})
    if (name.ends_with(suffix))
      return {name.substr(0, name.size() - 5) + ".json", name.substr(0, name.size() - 5) + ".html"};
  return {name, name + ".html"};
}

/// Whether every section is measured, and as well as a card asks for.
bool is_whole_protocol(const EvaluationOptions& how) {
  return how.only.empty() && how.samples >= EvaluationOptions().samples && !how.constrain &&
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

void write_scores_to_card(const std::string& directory, Json report) {
  const std::string card = directory + "/README.md";
  if (!file_exists(card)) return;
  report.erase("model");
  report["data"]["path"] = std::filesystem::path(report["data"]["path"].get<std::string>()).filename();
  write_file_atomically(card, with_scores(read_file(card), report_table({report})));
}

Json measure(const LatentSpace& space, const HeldOutFile& file, const EvaluateOptions& options, Progress& progress) {
  const Model& model = space.model();
  const auto [out, page] = report_paths(options.out.empty() ? model.directory + "/eval/report.json" : options.out);
  const bool own_texts = held_out_by_its_run(file, model) && !file.given && options.read.column.empty();
  const bool for_card = options.write && own_texts && options.out.empty() && is_whole_protocol(options.protocol);
  if (options.write) require_writable(out);  // before minutes of work
  if (options.write && options.out.empty() && !for_card && holds_whole_protocol(out))
    log_warning(out + " is of the whole protocol and is replaced by what is measured now");
  EvaluationOptions how = options.protocol;
  how.search.seed = how.seed;
  read_training_texts(run_data(model.directory, options), model, how);
  Evaluation evaluation(model, sample_held_out(model, file.path, file.rows, how.samples, how.seed), how, progress);
  Json report = run_protocol(evaluation);
  if (!options.write) return report;
  write_file_atomically(out, report.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  write_file_atomically(page, report_page(report, report_examples(evaluation, report)));
  if (for_card) write_scores_to_card(model.directory, report);
  log_info("written to " + out + " and " + page);
  return report;
}

/// A model that is named twice would be measured twice.
void require_different(const std::vector<std::string>& models) {
  for (size_t i = 0; i < models.size(); ++i)
    for (size_t j = 0; j < i; ++j)
      if (same_file(models[i], models[j]))
        throw ConfigError("a model to measure", models[i] + " twice", "different ones");
}

void check_options(const EvaluateOptions& options) {
  check_section_names(options.protocol.only);
  paths().find(options.protocol.path);
}

}  // namespace

std::vector<Json> evaluate(const std::vector<std::string>& models, const EvaluateOptions& options, torch::Device device,
                           Progress& progress) {
  check_options(options);
  if (models.empty()) throw ConfigError("models to measure", "none", "one or more");
  if (models.size() > 1 && options.write && !options.out.empty())
    throw ConfigError("one file for several reports", options.out, "a single model",
                      "reports of several go into their own folders");
  for (const std::string& directory : models) load_model_config(directory);  // all of them, before any work
  require_different(models);
  const HeldOutFile file = read_held_out_file(models.front(), options);
  std::vector<Json> reports;
  for (const std::string& directory : models)
    reports.push_back(measure(LatentSpace::open(directory, device), file, options, progress));
  return reports;
}

Json evaluate(const LatentSpace& space, const EvaluateOptions& options, Progress& progress) {
  check_options(options);
  return measure(space, read_held_out_file(space.model().directory, options), options, progress);
}

}  // namespace tvae
