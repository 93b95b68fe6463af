#include "tvae/eval/protocol.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <numeric>

#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/log.h"
#include "tvae/base/strings.h"
#include "tvae/base/wrap.h"
#include "tvae/eval/bootstrap.h"
#include "tvae/eval/code_statistics.h"
#include "tvae/latent/bracket_constraint.h"
#include "tvae/latent/linear_property.h"

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;

double rounded(double value, double unit) {
  return std::round(value / unit) * unit;
}

Rng section_rng(const EvaluationOptions& options, const std::string& section) {
  return Rng(options.seed ^ hash_bytes(section));
}

}  // namespace

Evaluation::Evaluation(const Model& measured, HeldOut data, EvaluationOptions how, Progress& listener)
    : model(measured),
      held_out(std::move(data)),
      options(std::move(how)),
      progress(listener),
      check_(make_validity_check(measured.check)) {
  if (options.constrain) constraint_ = bracket_constraint(model);
}

std::vector<Generated> Evaluation::generate(const torch::Tensor& codes) const {
  return generate_from(model, codes, {.constraint = constraint_}, progress);
}

const EncodedTexts& Evaluation::codes() {
  if (!codes_) codes_ = encode(held_out.texts);
  return *codes_;
}

const std::vector<Generated>& Evaluation::outputs() {
  if (!outputs_) outputs_ = generate(codes().mean);
  return *outputs_;
}

const std::vector<std::string>& Evaluation::reconstructions() {
  if (!reconstructions_) reconstructions_ = texts_of(model, outputs());
  return *reconstructions_;
}

const DecodedPaths& Evaluation::between() {
  Rng rng = section_rng(options, "interpolation");
  if (!between_) between_ = decode_paths(*this, rng);
  return *between_;
}

const std::vector<DecodedDraws>& Evaluation::draws() {
  Rng rng = section_rng(options, "prior");
  if (!draws_) draws_ = decode_draws(*this, rng);
  return *draws_;
}

CrossEntropy Evaluation::cross_entropy(const TokenStream& stream, const torch::Tensor& codes) const {
  const torch::NoGradGuard no_grad;
  const Memory memory = model.vae.decode_latent(codes.to(model.vae.device(), model.vae.dtype()));
  CrossEntropy result =
      model.vae.decoder().cross_entropy(model.vae.decoder_states(stream, memory, 0.0, {}), stream.ids);
  if (!result.token_nats.isfinite().all().item<bool>())
    throw CheckpointError(model.directory + " gives a cross-entropy that is not finite", "", "",
                          "did its training diverge?");
  return result;
}

const SavedPrior* Evaluation::fitted_prior() {
  if (!fitted_prior_) fitted_prior_ = load_prior(model);
  const std::optional<SavedPrior>& found = *fitted_prior_;
  return found && !found->of_other_weights ? &*found : nullptr;
}

std::string Evaluation::no_fitted_prior() const {
  return fitted_prior_ && *fitted_prior_ ? "the fitted prior is of other weights of this model"
                                         : "the model has no fitted prior";
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

std::optional<std::vector<std::string>> Evaluation::searched(const torch::Tensor& codes,
                                                             const std::vector<std::string>& plain) {
  if (options.search.candidates == 1) return std::nullopt;
  return search_outputs(model, codes, plain, check_.get(), options.search,
                        [this](const torch::Tensor& perturbed) { return decode(perturbed); });
}

std::optional<std::vector<std::string>> Evaluation::searched_reconstructions() {
  if (options.search.candidates == 1) return std::nullopt;
  return search_reconstructions(model, codes().mean, reconstructions(), options.search,
                                [this](const torch::Tensor& perturbed) { return decode(perturbed); });
}

bool Evaluation::asked_for(const std::string& section) const {
  return std::find(options.only.begin(), options.only.end(), section) != options.only.end();
}

std::string Evaluation::check_name() const {
  return check_ == nullptr ? "none" : check_->describe();
}

void add_valid_share(Json& result, Evaluation& evaluation, const std::string& key,
                     const std::vector<std::string>& texts, size_t unit) {
  const auto valid = evaluation.valid(texts);
  if (!valid) {
    evaluation.skip("valid", "no validity check for this data (data.check = " + evaluation.model.check + ")");
    return;
  }
  std::vector<double> shares(texts.size() / unit, 0.0);
  for (size_t i = 0; i < texts.size(); ++i) shares[i / unit] += (*valid)[i];
  for (double& share : shares) share /= static_cast<double>(unit);
  add_share(result, key, shares);
}

Registry<EvaluationSection>& evaluation_sections() {
  static Registry<EvaluationSection> registry("section");
  return registry;
}

std::string figure_meaning(const std::string& section, const std::string& figure) {
  if (figure.ends_with("_95")) return "the middle 95 % of that figure over bootstrap samples";
  for (const auto& [name, about, measured, order] : evaluation_sections().entries()) {
    if (name != section) continue;
    if (figure.empty()) return about;
    const auto found = measured.meanings.find(figure);
    return found == measured.meanings.end() ? "" : found->second;
  }
  return "";
}

void check_section_names(const std::vector<std::string>& names) {
  for (const std::string& name : names) evaluation_sections().find(name);
}

namespace {

/// What is wrong with a model whose codes tell nothing of the texts; nullopt where they do.
std::optional<std::string> collapse(Evaluation& evaluation) {
  const std::vector<std::string>& texts = evaluation.held_out.texts;
  if (std::count(texts.begin(), texts.end(), texts.front()) == static_cast<std::ptrdiff_t>(texts.size()))
    return std::nullopt;  // of one text alone nothing can be told
  try {
    const EncodedTexts& codes = evaluation.codes();
    measure_codes(codes.mean);
    if (!codes.log_variance || active_units(codes.mean.flatten(1)) > 0) return std::nullopt;
    return evaluation.model.directory +
           ": no dimension of the code is active: the posteriors have collapsed "
           "(train it with a larger loss.kl.target or a smaller loss.regularizer_weight)";
  } catch (const CheckpointError& error) {
    return error.what();
  }
}

}  // namespace

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
  if (options.search.candidates > 1) {
    report["candidates"] = options.search.candidates;
    report["search_radius"] = options.search.radius;
  }
  if (options.constrain) report["constrained"] = true;
  if (evaluation.asked_for("probe")) require_labels(evaluation);
  if (const auto defect = collapse(evaluation)) {
    report["defect"] = *defect;
    log_warning(*defect);
  }
  for (const char* section : {"prior", "fluency", "language_model"})  // a damaged prior is no reason to stop half-way
    if (options.only.empty() || evaluation.asked_for(section)) evaluation.fitted_prior();
  int64_t done = 0;  // sections
  for (const auto& [name, about, section, order] : evaluation_sections().entries()) {
    if (!options.only.empty() && !evaluation.asked_for(name)) {
      evaluation.skip(name, kNotAskedFor);
      continue;
    }
    evaluation.progress.update("measuring", done++, static_cast<int64_t>(evaluation_sections().entries().size()));
    log_info("measuring " + name);
    const auto start = std::chrono::steady_clock::now();
    Rng rng = section_rng(options, name);
    Json result = section.measure(evaluation, rng);
    if (result.is_null()) continue;
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    result["seed"] = options.seed;
    result["seconds"] = rounded(seconds.count(), 0.001);
    report[name] = std::move(result);
  }
  report["skipped"] = evaluation.skipped();
  return report;
}

namespace {

std::string number_text(const Json& value) {
  if (!value.is_number_float()) return value.is_string() ? value.get<std::string>() : value.dump();
  constexpr double kLongest = 1e7;  // from here on with an exponent
  char text[32];
  std::snprintf(text, sizeof text, std::abs(value.get<double>()) < kLongest ? "%.4f" : "%.4g", value.get<double>());
  return text;
}

struct ReportRow {
  std::string section, name, value;
};
using ReportRows = std::vector<ReportRow>;

/// {mean, std} of draws, or a mean alone, as one figure; empty where a value is something else.
std::string figure_text(const Json& value) {
  if (!value.is_object() || !value.contains("mean") || !value["mean"].is_number_float()) return "";
  const std::string mean = number_text(value["mean"]);
  return value.contains("std") ? mean + " ± " + number_text(value["std"]) : mean;
}

/// " [low, high]" of a figure that has its interval beside it.
std::string interval_text(const Json& section, const std::string& key) {
  const auto interval = section.find(key + "_95");
  if (interval == section.end() || !interval->is_array() || interval->size() != 2) return "";
  return "  [" + number_text((*interval)[0]) + ", " + number_text((*interval)[1]) + "]";
}

/// Rows of a section; objects inside it as key.key, figures side by side, lists of points as key point; lists of
/// numbers are for the file.
void add_rows(ReportRows& rows, const std::string& section, const std::string& prefix, const Json& values) {
  for (const auto& [key, value] : values.items()) {
    if (value.is_object() && !value.empty() && !figure_text(value.front()).empty()) {
      std::vector<std::string> figures;
      for (const auto& [name, figure] : value.items()) figures.push_back(name + ": " + figure_text(figure));
      rows.push_back({section, prefix + key, join(figures, "   ")});
    } else if (value.is_object()) {
      add_rows(rows, section, prefix + key + ".", value);
    } else if (!value.is_array()) {
      rows.push_back({section, prefix + key, number_text(value) + interval_text(values, key)});
    } else if (!value.empty() && value[0].is_object()) {
      for (const Json& point : value) {  // the first number says which point it is
        std::vector<std::string> parts;
        std::string which;
        for (const auto& [name, number] : point.items()) {
          if (number.is_array()) continue;  // an interval, shown with its figure
          const std::string figure = name + " " + number_text(number) + interval_text(point, name);
          if (which.empty())
            which = " " + figure;
          else
            parts.push_back(figure);
        }
        rows.push_back({section, prefix + key + which, join(parts, "  ")});
      }
    }
  }
}

ReportRows report_rows(const Json& report) {
  ReportRows rows;
  for (const char* key : {"model", "data", "check", "samples", "candidates", "search_radius", "constrained", "defect"})
    if (report.contains(key)) add_rows(rows, "about", "", Json{{key, report[key]}});
  for (const std::string& section : evaluation_sections().names())
    if (report.contains(section)) add_rows(rows, section, "", report[section]);
  if (report.contains("skipped")) add_rows(rows, "skipped", "", report["skipped"]);
  return rows;
}

/// Characters that a terminal shows.
size_t width(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string padded(const std::string& text, size_t to) {
  return text + std::string(to - std::min(to, width(text)), ' ');
}

/// A row of a table with one column, which begins at `column`, for a terminal: words are wrapped, figures that stand
/// side by side stand below each other, each with its interval.
std::vector<std::string> narrow(const std::string& row, size_t column) {
  if (width(row) <= kTerminalWidth) return {row};
  if (row.find("  ", column) == std::string::npos) return wrapped_entry(row, column);
  std::vector<std::string> lines;
  size_t start = 0;
  for (size_t gap = row.find("  ", column); gap != std::string::npos; gap = row.find("  ", gap + 2)) {
    if (row.compare(gap + 2, 1, "[") == 0) continue;
    lines.push_back((lines.empty() ? "" : std::string(column, ' ')) + row.substr(start, gap - start));
    start = row.find_first_not_of(' ', gap);
  }
  lines.push_back((lines.empty() ? "" : std::string(column, ' ')) + row.substr(start));
  return lines;
}

}  // namespace

std::vector<std::string> report_table(const std::vector<Json>& reports) {
  ReportRows names;                             // a row that the first reports lack comes behind its own predecessor
  std::vector<std::vector<std::string>> cells;  // [name][report]
  for (size_t i = 0; i < reports.size(); ++i) {
    size_t next = 0;
    for (const ReportRow& row : report_rows(reports[i])) {
      auto found = std::find_if(names.begin(), names.end(), [&row](const ReportRow& known) {
        return known.section == row.section && known.name == row.name;
      });
      if (found == names.end()) {
        found = names.insert(names.begin() + static_cast<std::ptrdiff_t>(next), row);
        cells.insert(cells.begin() + static_cast<std::ptrdiff_t>(next), std::vector<std::string>(reports.size(), "-"));
      }
      next = static_cast<size_t>(found - names.begin());
      cells[next++][i] = row.value;
    }
  }
  size_t name_width = 26;
  for (const ReportRow& row : names) name_width = std::max(name_width, width(row.name) + 1);
  std::vector<size_t> widths(reports.size(), 0);
  for (const auto& line : cells)
    for (size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], width(line[i]) + 2);
  std::vector<std::string> sections = {"about"}, lines;
  for (const std::string& section : evaluation_sections().names()) sections.push_back(section);
  sections.emplace_back("skipped");
  for (const std::string& section : sections) {
    bool titled = false;
    for (size_t line = 0; line < names.size(); ++line) {
      if (names[line].section != section) continue;
      if (!titled && !lines.empty()) lines.emplace_back();
      if (!titled) lines.push_back(section);
      titled = true;
      std::string text = "  " + padded(names[line].name, name_width);
      for (size_t i = 0; i < reports.size(); ++i)
        text += i + 1 < reports.size() ? padded(cells[line][i], widths[i]) : cells[line][i];
      if (reports.size() > 1)
        lines.push_back(text);
      else
        for (std::string& part : narrow(text, 2 + name_width)) lines.push_back(std::move(part));
    }
  }
  return lines;
}

}  // namespace tvae
