#include "tvae/eval/evaluate.h"

#include <algorithm>
#include <memory>

#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/log.h"
#include "tvae/base/strings.h"
#include "tvae/config/model_folder.h"
#include "tvae/data/file_set.h"
#include "tvae/eval/report_examples.h"
#include "tvae/eval/report_file.h"
#include "tvae/eval/report_page.h"
#include "tvae/eval/verdict.h"
#include "tvae/latent/paths.h"
#include "tvae/run/data_options.h"

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;

const std::string kReportFile = "eval/report.json";  // of a model

// Rows that probes are trained on: of one label, and of all together for every sequence that is measured.
constexpr int64_t kProbeRowsALabel = 1000, kProbeRowsASample = 5;
// Of training texts, to count n-grams in.
constexpr size_t kSampleBytes = 12'000'000;

/// Probes can do without labelled training texts, so a file that lacks the label column is read without it.
Rows read_training_rows(const RecordedData& recorded) {
  if (recorded.train.read.label_column.empty()) return recorded.train.rows();
  try {
    return recorded.train.rows();
  } catch (const DataError& error) {
    RecordedFile without_labels = recorded.train;
    without_labels.read.label_column.clear();
    Rows rows = without_labels.rows();
    log_info(std::string(error.what()) + ": its labels are not used");
    return rows;
  }
}

/// Why the training texts are not at hand; empty where they are.
std::string no_training_texts(const RecordedData& recorded, const Model& model) {
  const std::string& path = recorded.train.path;
  if (path.empty()) return "the model does not say what it was trained on";
  if (!files_can_be_read_again(path))
    return "the training file " + path + (file_exists(path) ? " was a pipe" : " is not there");
  const RecordedData own = recorded_data(model.directory);
  if (!has_changed(own.train, own, model.tokenizer)) return "";
  log_warning(path + " holds other sequences than when the model was trained on it");
  return "the training file " + path + " holds other sequences than when the model was trained on it";
}

/// Up to kSampleBytes of the texts, in random order.
std::vector<std::string> random_sample(const std::vector<std::string>& texts, uint64_t seed) {
  Rng rng(seed ^ hash_bytes("training"));
  const torch::Tensor order = at::randperm(static_cast<int64_t>(texts.size()), rng.generator(), at::kLong);
  std::vector<std::string> sample;
  size_t bytes = 0;
  for (size_t i = 0; i < texts.size() && bytes < kSampleBytes; ++i) {
    sample.push_back(texts[static_cast<size_t>(order.const_data_ptr<int64_t>()[i])]);
    bytes += sample.back().size();
  }
  return sample;
}

void read_training_texts(const RecordedData& recorded, const Model& model, EvaluationOptions& options) {
  options.no_training_texts = no_training_texts(recorded, model);
  if (!options.no_training_texts.empty()) return;
  const Rows rows = read_training_rows(recorded);
  options.training_texts = std::make_shared<TextSet>(rows.texts);
  options.training_sample = random_sample(rows.texts, options.seed);
  options.labelled_training_texts =
      sample_labelled(recorded.train.path, rows, kProbeRowsALabel, kProbeRowsASample * options.samples, options.seed);
}

/// A run's data as read then, except for what the options say; they describe options.data where that is given.
RecordedData run_data(const std::string& model, const EvaluateOptions& options) {
  RecordedData recorded = recorded_data(model);
  if (!options.data.empty()) return recorded;
  for (ReadOptions* read : {&recorded.train.read, &recorded.valid.read}) {
    if (!options.read.column.empty()) read->column = options.read.column;
    if (!options.read.label_column.empty()) read->label_column = options.read.label_column;
    read->escapes |= options.read.escapes;
    read->strict |= options.read.strict;
    read->quotes |= options.read.quotes;
  }
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
  HeldOutFile file{options.data, read_as_run(first_model, options.data, options.read, /*labels=*/true), true};
  if (options.data.empty()) {
    const RecordedData recorded = run_data(first_model, options);
    file = {recorded.valid.path, recorded.valid.read};
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

void write_to_card(const std::string& directory, const CardScores& scores) {
  const auto record = read_run_record(directory);
  if (!record) return;
  warn_of_own_card(directory);
  write_model_card(directory, *record, scores);
}

/// Before minutes of work. Throws ConfigError where a report would replace the texts that it is of, or a model.
void require_report_place(const ReportPaths& paths, const HeldOutFile& file) {
  for (const std::string& path : {paths.report, paths.page}) {
    if (file.path != "-" && same_file(path, file.path))
      throw ConfigError("the report", path, "another file than the texts that are measured");
    require_no_part_of_model(path);
    require_writable(path);
  }
}

/// One line on what becomes of the report that is there.
void tell_of_former(const FormerReport& former, const std::string& path, bool lesser) {
  using Fate = FormerReport::Fate;
  if (former.fate == Fate::kKept)
    log_warning(path + " is kept as it is, and this report is not written: the one there is of " + former.difference +
                (former.sections.empty() ? " and of the whole protocol" : " and has " + join(former.sections, ", ")) +
                " (another file takes this one)");
  else if (former.fate == Fate::kMerged)
    log_info(path + " keeps what is not measured now: " + join(former.sections, ", "));
  else if (former.fate == Fate::kReplaced && former.whole && lesser)
    log_warning(path + " is of the whole protocol and will be replaced by what is measured now");
  else if (former.fate == Fate::kReplaced)
    log_info(path + " will be replaced by what is measured now");
}

/// How often a run went through its training data.
double passes_of(const RunRecord& record) {
  const TrainConfig& train = record.config.train;
  const bool by_tokens = train.batch_tokens > 0;
  const double a_step =
                   static_cast<double>((by_tokens ? train.batch_tokens : train.batch_size) * train.accumulation_steps),
               all = static_cast<double>(by_tokens ? record.train.tokens : record.train.sequences);
  return all > 0 ? static_cast<double>(record.training.steps) * a_step / all : 0;
}

Json measure(const LatentSpace& space, const HeldOutFile& file, const EvaluateOptions& options, Progress& progress) {
  using Fate = FormerReport::Fate;
  const Model& model = space.model();
  const ReportPaths out = report_paths(options.out.empty() ? model.directory + "/" + kReportFile : options.out);
  const bool own_texts = held_out_by_its_run(file, model) && !file.given && options.read.column.empty();
  const bool for_card = options.write && own_texts && options.out.empty() && has_card_settings(options.protocol);
  if (options.write && options.out.empty())
    require_writable_model(model.directory, {kReportFile, "eval/report.html", for_card ? "README.md" : kReportFile});
  if (options.write) require_report_place(out, file);
  EvaluationOptions how = options.protocol;
  how.search.seed = how.seed;
  read_training_texts(run_data(model.directory, options), model, how);
  Evaluation evaluation(model, sample_held_out(model, file.path, file.rows, how.samples, how.seed), how, progress);
  const Json identity = report_identity(model, evaluation.held_out, how);
  FormerReport former;
  if (options.write) former = former_report(out.report, /*named=*/!options.out.empty(), identity, how);
  tell_of_former(former, out.report, !for_card && options.out.empty());
  if (options.write && former.fate == Fate::kNone && file_exists(out.page))
    log_info(out.page + " will be replaced by the page of this report");
  Json report = {{"model", model.directory}};
  report.update(identity);
  report.update(run_protocol(evaluation));
  Json whole = former.fate == Fate::kMerged ? merged_report(former, report) : report;
  const auto record = read_run_record(model.directory);
  for (Json* of : {&report, &whole}) {
    if (record) {
      (*of)["training_rows"] = record->train.sequences;
      (*of)["training_passes"] = passes_of(*record);
      const LossConfig& loss = record->config.loss;
      if (loss.regularizer == "kl" && loss.kl.target > 0) (*of)["rate_target"] = loss.kl.target;
    }
    (*of)["verdict"] = verdict(*of);
  }
  if (!options.write || former.fate == Fate::kKept) return report;
  write_file_atomically(out.report, whole.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  write_file_atomically(out.page, report_page(whole, report_examples(evaluation, whole)));
  if (for_card && has_all_sections(whole)) write_to_card(model.directory, card_scores(whole));
  log_info("written to " + out.report + " and " + out.page);
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

CardScores card_scores(Json report) {
  report.erase("model");
  report["data"]["path"] = file_names(report["data"]["path"].get<std::string>());
  std::vector<std::string> sentences = verdict(report);
  return {std::move(sentences), report_table({std::move(report)})};
}

void write_verdict_to_card(const std::string& directory, const Json& report) {
  write_to_card(directory, {verdict(report), {}});
}

std::vector<Json> evaluate(const std::vector<std::string>& models, const EvaluateOptions& options, torch::Device device,
                           Progress& progress) {
  check_options(options);
  if (models.empty()) throw ConfigError("models to measure", "none", "at least one");
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
