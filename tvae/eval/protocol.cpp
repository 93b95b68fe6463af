#include "tvae/eval/protocol.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/log.h"
#include "tvae/base/strings.h"

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;

double rounded(double value, double unit) {
  return std::round(value / unit) * unit;
}

}  // namespace

Evaluation::Evaluation(const Model& measured, HeldOut data, EvaluationOptions how)
    : model(measured),
      held_out(std::move(data)),
      options(std::move(how)),
      check_(make_validity_check(measured.check)) {}

const EncodedTexts& Evaluation::codes() {
  if (!codes_) codes_ = encode_texts(model, held_out.texts);
  return *codes_;
}

const std::vector<Generated>& Evaluation::outputs() {
  if (!outputs_) outputs_ = generate_from(model, codes().mean);
  return *outputs_;
}

const std::vector<std::string>& Evaluation::reconstructions() {
  if (!reconstructions_) reconstructions_ = texts_of(model, outputs());
  return *reconstructions_;
}

std::optional<std::vector<bool>> Evaluation::valid(const std::vector<std::string>& texts) {
  if (check_ == nullptr) return std::nullopt;
  std::vector<std::string> unknown;
  for (const std::string& text : texts)
    if (checked_.emplace(text, false).second) unknown.push_back(text);
  const std::vector<bool> answers = check_->valid(unknown);
  for (size_t i = 0; i < unknown.size(); ++i) checked_[unknown[i]] = answers[i];
  std::vector<bool> all;
  for (const std::string& text : texts) all.push_back(checked_.at(text));
  return all;
}

std::optional<double> Evaluation::valid_share(const std::vector<std::string>& texts) {
  const auto passes = valid(texts);
  if (!passes) return std::nullopt;
  const auto passed = std::count(passes->begin(), passes->end(), true);
  return static_cast<double>(passed) / static_cast<double>(texts.size());
}

bool Evaluation::asked_for(const std::string& section) const {
  return std::find(options.only.begin(), options.only.end(), section) != options.only.end();
}

std::string Evaluation::check_name() const {
  return check_ == nullptr ? "none" : check_->describe();
}

void add_valid_share(Json& result, Evaluation& evaluation, const std::string& key,
                     const std::vector<std::string>& texts) {
  if (const auto share = evaluation.valid_share(texts))
    result[key] = *share;
  else
    evaluation.skip("valid", "no validity check for this data (data.check = " + evaluation.model.check + ")");
}

const std::vector<EvaluationSection>& evaluation_sections() {
  static const std::vector<EvaluationSection> sections = {
      {"reconstruction", measure_reconstruction},
      {"interpolation", measure_interpolation},
      {"prior", measure_prior},
      {"shape", measure_shape},
      {"probe", measure_probe},
  };
  return sections;
}

void check_section_names(const std::vector<std::string>& names) {
  std::vector<std::string> known;
  for (const EvaluationSection& section : evaluation_sections()) known.push_back(section.name);
  for (const std::string& name : names)
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw ConfigError("unknown section", "\"" + name + "\"", "", suggestion(name, known));
}

Json run_protocol(Evaluation& evaluation) {
  const EvaluationOptions& options = evaluation.options;
  const HeldOut& data = evaluation.held_out;
  Json report = {{"model", evaluation.model.directory},
                 {"data",
                  {{"path", data.path},
                   {"n", data.texts.size()},
                   {"untokenizable", data.untokenizable},
                   {"overlong", data.overlong}}},
                 {"check", evaluation.check_name()},
                 {"samples", options.samples}};
  for (const EvaluationSection& section : evaluation_sections()) {
    if (!options.only.empty() && !evaluation.asked_for(section.name)) {
      evaluation.skip(section.name, "not asked for");
      continue;
    }
    log_info("measuring " + section.name);
    const auto start = std::chrono::steady_clock::now();
    Rng rng(options.seed ^ hash_bytes(section.name));
    Json result = section.measure(evaluation, rng);
    if (result.is_null()) continue;
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    result["seed"] = options.seed;
    result["seconds"] = rounded(seconds.count(), 0.001);
    report[section.name] = std::move(result);
  }
  report["skipped"] = evaluation.skipped();
  return report;
}

namespace {

std::string number_text(const Json& value) {
  if (!value.is_number_float()) return value.is_string() ? value.get<std::string>() : value.dump();
  char text[32];
  std::snprintf(text, sizeof text, "%.4f", value.get<double>());
  return text;
}

void add_row(std::vector<std::string>& lines, const std::string& key, const std::string& value) {
  lines.push_back("  " + key + std::string(key.size() < 26 ? 26 - key.size() : 1, ' ') + value);
}

/// {mean, std} of draws, or a mean alone, as one figure; empty where a value is something else.
std::string figure_text(const Json& value) {
  if (!value.is_object() || !value.contains("mean") || !value["mean"].is_number_float()) return "";
  const std::string mean = number_text(value["mean"]);
  return value.contains("std") ? mean + " ± " + number_text(value["std"]) : mean;
}

/// Rows of a section; objects inside it as key.key, figures side by side, lists of points as key point; lists of
/// numbers are for the file.
void add_rows(std::vector<std::string>& lines, const std::string& prefix, const Json& section) {
  for (const auto& [key, value] : section.items()) {
    if (value.is_object() && !value.empty() && !figure_text(value.front()).empty()) {
      std::vector<std::string> figures;
      for (const auto& [name, figure] : value.items()) figures.push_back(name + ": " + figure_text(figure));
      add_row(lines, prefix + key, join(figures, "   "));
    } else if (value.is_object()) {
      add_rows(lines, prefix + key + ".", value);
    } else if (!value.is_array()) {
      add_row(lines, prefix + key, number_text(value));
    } else if (!value.empty() && value[0].is_object()) {
      for (const Json& point : value) {
        std::vector<std::string> parts;
        for (const auto& [name, number] : point.items()) parts.push_back(name + " " + number_text(number));
        add_row(lines, prefix + key, join(parts, "  "));
      }
    }
  }
}

}  // namespace

std::vector<std::string> report_table(const Json& report) {
  std::vector<std::string> lines;
  const auto title = [&lines](const std::string& text) {
    if (!lines.empty()) lines.emplace_back();
    lines.push_back(text);
  };
  title("about");
  for (const char* key : {"model", "data", "check", "samples"})
    if (report.contains(key)) add_rows(lines, "", Json{{key, report[key]}});
  for (const EvaluationSection& section : evaluation_sections())
    if (report.contains(section.name)) {
      title(section.name);
      add_rows(lines, "", report[section.name]);
    }
  if (!report["skipped"].empty()) {
    title("skipped");
    add_rows(lines, "", report["skipped"]);
  }
  return lines;
}

}  // namespace tvae
