// Presets: named sets of key = value that compose left to right. Each is a file in presets/, built into the program, or
// a file of the user's.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tvae/config/run_config.h"

namespace tvae {

/// A preset file as built in (generated from presets/*.json by cmake/embed.cmake).
struct PresetText {
  std::string name;
  std::string json;
};
const std::vector<PresetText>& preset_texts();

/// {"group", "about", "wants", "base": preset, "yields": true, "overrides": true|[keys], "set": {key: value}} of one
/// file. The base is what a preset starts from: it stands before all presets that are given, and what the preset sets
/// wins over it. "wants" says which data it was made for, and how to get it. A file of the user's may also be a
/// configuration as to_json gives it, which is all "set".
struct Preset {
  std::string name;
  std::string group;
  std::string about;
  std::string wants;
  std::string base;
  bool yields = false;  // what other presets say of its keys wins
  bool overrides_all = false;
  std::vector<std::string> overrides;
  nlohmann::ordered_json set;
};

/// All presets, in order of group, then name.
const std::vector<Preset>& all_presets();
/// By its name, or by the path of a file that ends with .json, whose base is a name or a path from its own folder.
/// Throws ConfigError with the nearest name when there is none, and for a file that is no preset; DataError for one
/// that cannot be read.
Preset find_preset(const std::string& name);

/// The presets, after those that they start from. Throws ConfigError where they start from different ones.
std::vector<std::string> with_bases(const std::vector<std::string>& presets);

/// The origin of a value that an assignment gave.
inline const std::string kAssigned = "assignment";

/// A configuration and where each value that is not a default came from: "preset NAME", or kAssigned.
struct ResolvedConfig {
  RunConfig config;
  std::map<std::string, std::string> origins;
  std::string wants;  // of the last preset that says which data it was made for; for people
};

/// Presets left to right over `base`, the preset they start from first, then "key=value" assignments. Two presets that
/// give one key different values are an error naming both, unless the later lists the key under "overrides" or an
/// assignment decides. Throws ConfigError.
ResolvedConfig resolve_config(const std::vector<std::string>& presets, const std::vector<std::string>& assignments,
                              const RunConfig& base = {});

/// Throws ConfigError where a --set of the model section disagrees with what was decided elsewhere: it must not pass in
/// silence. `hint` says what decided.
void require_agreement(const ModelConfig& decided, const ResolvedConfig& resolved, const std::string& hint);

/// What a text field may be: its own choices, else the names that are registered for its key; empty = any text.
std::vector<std::string> choices_of(const std::string& key, const FieldInfo& info);

/// The key of a field that has an older name (loss.kl_target → loss.kl.target); anything else as it is.
std::string canonical_key(const std::string& key);
/// Whether set_field() knows it, by this name or an older one.
bool is_known_key(const std::string& key);

/// Sets one key, by any of its names, from JSON (numbers, booleans, strings; a string is parsed where the field is a
/// number or boolean). Throws ConfigError for an unknown key (with the nearest one), a wrong type, a value out of
/// range.
void set_field(RunConfig& config, const std::string& key, const nlohmann::ordered_json& value);

/// {"data": {...}, "loss": {"kl": {...}, ...}, ...} with every field.
nlohmann::ordered_json to_json(const RunConfig& config);
/// The reverse; fields may have their older names, those that are absent keep their defaults, unknown ones throw.
RunConfig run_config_from_json(const nlohmann::ordered_json& json);
/// {"data.train": value, ...} with every field.
nlohmann::ordered_json fields_of(const RunConfig& config);
/// Calls visit("section.group.field", value) for what such a JSON holds, known or not. Throws ConfigError where a
/// section is no object, or a field has a value under its present name and one under its older name.
void for_each_field(const nlohmann::ordered_json& config,
                    const std::function<void(const std::string& key, const nlohmann::ordered_json& value)>& visit);

/// JSON of the model section alone, for config.json, and back (fields may have their older names; keys that are no
/// model fields are ignored).
nlohmann::ordered_json model_config_to_json(const ModelConfig& config);
ModelConfig model_config_from_json(const nlohmann::ordered_json& json);

/// Keys on which two configurations differ.
std::vector<std::string> differing_keys(const RunConfig& a, const RunConfig& b);

}  // namespace tvae
