#include "tvae/run/run_record.h"

#include <torch/version.h>

#include <cmath>
#include <filesystem>
#include <limits>

#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/json.h"
#include "tvae/base/strings.h"
#include "tvae/config/model_folder.h"
#include "tvae/config/presets.h"
#include "tvae/data/file_set.h"

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;

std::string run_file(const std::string& directory) {
  return directory + "/run.json";
}

Json to_json(const DataRecord& data) {
  return {{"path", data.path},         {"sequences", data.sequences},         {"tokens", data.tokens},
          {"overlong", data.overlong}, {"untokenizable", data.untokenizable}, {"fingerprint", data.fingerprint}};
}

/// 0 where it is absent.
int64_t whole_number(const Json& json, const char* key) {
  const Json value = json.value(key, Json(0));
  if (const auto number = tvae::whole_number(value)) return *number;
  throw ConfigError(key, value.dump(), "a whole number");
}

DataRecord data_from_json(const Json& json) {
  DataRecord data;
  data.path = json.value("path", "");
  data.sequences = whole_number(json, "sequences");
  data.tokens = whole_number(json, "tokens");
  data.overlong = whole_number(json, "overlong");
  data.untokenizable = whole_number(json, "untokenizable");
  data.fingerprint = json.value("fingerprint", "");
  return data;
}

Json to_json(const TrainingRecord& training) {
  Json json = {{"steps", training.steps},
               {"planned_steps", training.planned_steps},
               {"seconds", exact_number(training.seconds)}};
  if (training.held_out)
    json["held_out"] = {{"cross_entropy", exact_number(training.held_out->cross_entropy)},
                        {"token_accuracy", exact_number(training.held_out->token_accuracy)}};
  return json;
}

TrainingRecord training_from_json(const Json& json) {
  TrainingRecord training;
  training.steps = whole_number(json, "steps");
  training.planned_steps = whole_number(json, "planned_steps");
  if (json.contains("seconds")) training.seconds = exact_number(json["seconds"]);
  if (json.contains("held_out"))
    training.held_out = {exact_number(json["held_out"].at("cross_entropy")),
                         exact_number(json["held_out"].at("token_accuracy"))};
  return training;
}

/// Of what a run was asked for, the values that it did not keep: "section.field" → value.
Json kept_open(const RunConfig& config, const RunConfig& requested) {
  const Json asked = fields_of(requested);
  Json open = Json::object();
  for (const std::string& key : differing_keys(config, requested)) open[key] = asked[key];
  return open;
}

Json to_json(const RunRecord& record) {
  Json json = {{"version", record.version.empty() ? TVAE_VERSION : record.version},
               {"libtorch", record.libtorch.empty() ? TORCH_VERSION : record.libtorch},
               {"config", tvae::to_json(record.config)}};
  if (const Json open = kept_open(record.config, record.requested); !open.empty()) json["requested"] = open;
  if (!record.chosen.is_null()) json["auto"] = record.chosen;
  if (record.parameters > 0) json["parameters"] = record.parameters;
  if (record.vocabulary > 0) json["vocabulary"] = record.vocabulary;
  json["data"]["train"] = to_json(record.train);
  if (record.valid) json["data"]["valid"] = to_json(*record.valid);
  if (!record.from.empty()) json["from"] = record.from;
  for (const AncestorRecord& ancestor : record.ancestors)
    json["ancestors"].push_back(
        {{"name", ancestor.name}, {"data", to_json(ancestor.data)}, {"training", to_json(ancestor.training)}});
  if (!record.older_past.empty()) json["past"] = record.older_past;
  json["training"] = to_json(record.training);
  if (!record.weights.empty()) json["weights"] = record.weights;
  return json;
}

/// Sets what it knows of "section.field" and lists the rest.
void set_or_list(RunRecord& record, RunConfig& config, const std::string& key, const Json& value) {
  if (is_known_key(key))
    set_field(config, key, value);
  else
    record.unknown_keys.push_back(key);
}

RunRecord record_from_json(const Json& json) {
  RunRecord record;
  record.version = json.value("version", "");
  record.libtorch = json.value("libtorch", "");
  for_each_field(json.at("config"),
                 [&](const std::string& key, const Json& value) { set_or_list(record, record.config, key, value); });
  record.requested = record.config;
  if (json.contains("requested"))
    for (const auto& [key, value] : json["requested"].items()) set_or_list(record, record.requested, key, value);
  record.chosen = json.value("auto", Json());
  record.parameters = whole_number(json, "parameters");
  record.vocabulary = whole_number(json, "vocabulary");
  const Json data = json.value("data", Json::object());
  record.train.path = record.config.data.train;
  if (data.contains("train")) record.train = data_from_json(data["train"]);
  if (data.contains("valid"))
    record.valid = data_from_json(data["valid"]);
  else if (!record.config.data.valid.empty())
    record.valid = DataRecord{record.config.data.valid};
  record.from = json.value("from", "");
  for (const Json& ancestor : json.value("ancestors", Json::array()))
    record.ancestors.push_back(
        {ancestor.at("name"), data_from_json(ancestor.at("data")), training_from_json(ancestor.at("training"))});
  record.older_past = json.value("past", "");
  if (json.contains("training")) record.training = training_from_json(json["training"]);
  record.weights = json.value("weights", "");
  return record;
}

}  // namespace

Json exact_number(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return value;
}

double exact_number(const Json& json) {
  if (json.is_null() || json == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (json == "inf") return std::numeric_limits<double>::infinity();
  if (json == "-inf") return -std::numeric_limits<double>::infinity();
  return json.get<double>();
}

std::optional<RunRecord> read_run_record(const std::string& directory) {
  const std::string path = run_file(directory);
  if (!file_exists(path)) return std::nullopt;
  const Json json = read_json_file(path);
  try {
    return record_from_json(json);
  } catch (const ConfigError& error) {
    throw CheckpointError(path + ": " + error.what());
  } catch (const Json::exception&) {
    throw CheckpointError(path + " is damaged", "", "an object with a config, as training writes it");
  }
}

void write_run_record(const std::string& directory, const RunRecord& record) {
  write_file_atomically(run_file(directory), to_json(record).dump(2) + "\n");
}

std::string last_part(const std::string& path) {
  const std::filesystem::path whole = std::filesystem::path(path).lexically_normal();
  return (whole.has_filename() ? whole : whole.parent_path()).filename();
}

std::string file_names(const std::string& path) {
  constexpr size_t kMost = 3;
  std::vector<std::string> names;
  for (const std::string& part : split(path, kBetweenFiles)) names.push_back(last_part(part));
  if (names.size() > kMost + 1) {
    const std::string more = std::to_string(names.size() - kMost) + " more";
    names.resize(kMost);
    names.push_back(more);
  }
  return join(names, ", ");
}

std::optional<RunConfig> read_imported_settings(const std::string& directory) {
  const std::string path = directory + "/" + kImportedSettingsFile;
  if (!file_exists(path)) return std::nullopt;
  try {
    return run_config_from_json(read_json_file(path));
  } catch (const ConfigError& error) {
    throw CheckpointError(path + ": " + error.what());
  }
}

void write_imported_settings(const std::string& directory, const RunConfig& config) {
  write_file_atomically(directory + "/" + kImportedSettingsFile, to_json(config).dump(2) + "\n");
}

std::vector<AncestorRecord> ancestors_with(const std::string& from, const RunRecord* record_of_from) {
  AncestorRecord parent{last_part(from), {}, {}};
  if (record_of_from == nullptr) return {parent};
  parent.data = record_of_from->train;
  parent.data.path = file_names(parent.data.path);
  parent.training = record_of_from->training;
  if (parent.training.steps == 0) parent.training.steps = record_of_from->config.train.steps;
  std::vector<AncestorRecord> all = {parent};
  all.insert(all.end(), record_of_from->ancestors.begin(), record_of_from->ancestors.end());
  return all;
}

}  // namespace tvae
