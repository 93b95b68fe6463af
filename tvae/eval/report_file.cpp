#include "tvae/eval/report_file.h"

#include <algorithm>

#include "tvae/base/files.h"
#include "tvae/base/json.h"
#include "tvae/base/ranges.h"
#include "tvae/base/strings.h"
#include "tvae/run/weights_fingerprint.h"

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;

const std::vector<std::string> kIdentity = {"weights", "settings", "texts"};

std::string settings_text(const EvaluationOptions& options) {
  std::string text = "samples " + std::to_string(options.samples) + ", seed " + std::to_string(options.seed) +
                     ", path " + options.path + ", candidates " + std::to_string(options.search.candidates);
  if (options.search.candidates > 1) text += " within " + limit_text(options.search.radius);
  text += ", prior scale " + limit_text(options.prior_scale) + ", importance samples " +
          std::to_string(options.importance_samples);
  return options.constrain ? text + ", constrained" : text;
}

std::vector<std::string> measured_sections(const Json& report) {
  std::vector<std::string> measured;
  for (const std::string& section : evaluation_sections().names())
    if (report.contains(section) && report[section].is_object()) measured.push_back(section);
  return measured;
}

const Json& skipped_of(const Json& report) {
  static const Json none = Json::object();
  const auto skipped = report.find("skipped");
  return skipped != report.end() && skipped->is_object() ? *skipped : none;
}

std::string difference_of(const Json& report, const Json& identity) {
  for (const std::string& key : kIdentity) {
    if (!report.contains(key) || identity[key] == "") return "unknown " + key;  // as of an earlier version
    if (report[key] != identity[key]) return "other " + key;
  }
  return "";
}

}  // namespace

Json report_identity(const Model& model, const HeldOut& held_out, const EvaluationOptions& options) {
  const bool saved = file_exists(model.directory + "/model.safetensors");
  uint64_t texts = 0;
  for (const std::string& text : held_out.texts) texts = hash_bytes(text, texts);
  return {{"weights", saved ? weights_fingerprint(model) : ""},
          {"texts", hex(texts)},
          {"settings", settings_text(options)}};
}

bool has_card_settings(const EvaluationOptions& options) {
  const EvaluationOptions least;
  return options.samples >= least.samples && !options.constrain &&
         options.importance_samples >= least.importance_samples;
}

bool has_all_sections(const Json& report) {
  const Json& skipped = skipped_of(report);
  return report.contains("skipped") &&
         std::none_of(skipped.begin(), skipped.end(), [](const Json& reason) { return reason == kNotAskedFor; });
}

FormerReport former_report(const std::string& path, bool named, const Json& identity,
                           const EvaluationOptions& options) {
  using Fate = FormerReport::Fate;
  if (!file_exists(path)) return {};
  FormerReport former{Fate::kReplaced, parse_json(read_file(path))};
  if (!former.report.is_object()) return former;
  const Json samples = former.report.value("samples", Json());
  former.whole = has_all_sections(former.report) && samples.is_number() && samples >= EvaluationOptions().samples;
  former.difference = difference_of(former.report, identity);
  if (!options.only.empty())
    for (const std::string& section : measured_sections(former.report))
      if (std::find(options.only.begin(), options.only.end(), section) == options.only.end())
        former.sections.push_back(section);
  const bool same_weights = former.report.value("weights", Json()) == identity["weights"];
  const bool less = !former.sections.empty() || (former.whole && same_weights && !has_card_settings(options));
  if (former.difference.empty())
    former.fate = former.sections.empty() ? Fate::kReplaced : Fate::kMerged;
  else if (less && !named)
    former.fate = Fate::kKept;
  return former;
}

Json merged_report(const FormerReport& former, const Json& report) {
  const std::vector<std::string> sections = evaluation_sections().names();
  Json merged = report, skipped = Json::object();
  for (const std::string& section : sections) merged.erase(section);
  merged.erase("skipped");
  for (const std::string& section : sections) {
    if (report.contains(section))
      merged[section] = report[section];
    else if (std::find(former.sections.begin(), former.sections.end(), section) != former.sections.end())
      merged[section] = former.report[section];
  }
  const auto was_measured_now = [&](const std::string& what) {  // a section, or a key of one, as "prior.fitted"
    const std::string section = what.substr(0, what.find('.'));
    return std::find(sections.begin(), sections.end(), section) != sections.end() &&
           skipped_of(report).value(section, "") != kNotAskedFor;
  };
  for (const auto& [what, why] : skipped_of(former.report).items())
    if (why != kNotAskedFor && !was_measured_now(what)) skipped[what] = why;
  for (const auto& [what, why] : skipped_of(report).items())
    if (why != kNotAskedFor || (!merged.contains(what) && !skipped.contains(what))) skipped[what] = why;
  merged["skipped"] = std::move(skipped);
  return merged;
}

}  // namespace tvae
