#include "tvae/config/presets.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <set>
#include <sstream>
#include <type_traits>

#include "tvae/base/assert.h"
#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/json.h"
#include "tvae/base/printable.h"
#include "tvae/base/ranges.h"
#include "tvae/base/registry.h"
#include "tvae/base/strings.h"
#include "tvae/base/utf8.h"

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;

std::string type_name(const bool&) {
  return "true or false";
}
std::string type_name(const int64_t&) {
  return "a whole number";
}
std::string type_name(const double&) {
  return "a number";
}
std::string type_name(const std::string&) {
  return "a text";
}

/// Text such as "1e-3", "true" or "300" as the JSON of the field's type; null where it does not fit.
template <class Value>
Json parse_text(const std::string& text) {
  if constexpr (std::is_same_v<Value, std::string>) {
    return text;
  } else {
    const Json parsed = parse_json(text);
    if (parsed.is_number_float() && std::is_same_v<Value, int64_t>) {
      const double number = parsed.get<double>();  // 1e3 steps
      if (number == std::floor(number) && std::abs(number) < 9e15) return static_cast<int64_t>(number);
    }
    return parsed;
  }
}

/// A value as an error shows it: whatever its bytes are, and not all of a long one.
std::string shown(const Json& value) {
  constexpr size_t kMost = 100;
  std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() <= kMost) return text;
  text = value.dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace);
  return text.substr(0, kMost) + "...";
}

template <class Value>
void assign(const std::string& key, Value& field, const FieldInfo& info, const Json& given) {
  Json value = given;
  if (given.is_string()) {
    const auto text = given.get<std::string>();
    if (!is_valid_utf8(text))
      throw ConfigError(key, "bytes that are no UTF-8: " + repair_utf8(text), "a text in UTF-8");
    value = parse_text<Value>(text);
  }
  const auto wrong_type = [&] { return ConfigError(key, shown(given), type_name(field)); };
  if constexpr (std::is_same_v<Value, bool>) {
    if (!value.is_boolean()) throw wrong_type();
  } else if constexpr (std::is_same_v<Value, int64_t>) {
    if (!value.is_number_integer()) throw wrong_type();
    if (value.is_number_unsigned() && value.get<uint64_t>() > uint64_t{std::numeric_limits<int64_t>::max()})
      throw ConfigError(key, shown(value), range_text(info.min, info.max));
  } else if constexpr (std::is_same_v<Value, double>) {
    if (!value.is_number()) throw wrong_type();
  } else {
    if (!value.is_string()) throw wrong_type();
  }
  const Value candidate = value.get<Value>();
  if constexpr (std::is_same_v<Value, std::string>) {
    const std::vector<std::string> choices = choices_of(key, info);
    if (!choices.empty() && std::find(choices.begin(), choices.end(), candidate) == choices.end())
      throw unknown_name(key, candidate, choices);
  } else if constexpr (!std::is_same_v<Value, bool>) {
    const double number = static_cast<double>(candidate);
    if (!(number >= info.min && number <= info.max))
      throw ConfigError(key, limit_text(number), range_text(info.min, info.max));
  }
  field = candidate;
}

/// What a field was called before it had an owner: one of its own, or its key with _ for the dots after the section.
std::string alias_of(const std::string& key, const FieldInfo& info) {
  if (!info.alias.empty()) return info.alias;
  std::string flat = key;
  std::replace(flat.begin() + static_cast<std::ptrdiff_t>(flat.find('.')) + 1, flat.end(), '.', '_');
  return flat;
}

/// Every key and every alias → the key.
const std::map<std::string, std::string>& known_keys() {
  static const std::map<std::string, std::string> keys = [] {
    std::map<std::string, std::string> all;
    const RunConfig config;
    visit_run(config, [&](const std::string& key, const auto&, const FieldInfo& info) {
      for (const std::string& name : {key, alias_of(key, info)}) {
        const bool free = all.emplace(name, key).second;
        TVAE_ASSERT(free || all[name] == key, "a key or alias means one field: " + name);
      }
    });
    return all;
  }();
  return keys;
}

/// The value at "group.field" of nested objects, or null. Throws ConfigError where a group is no object.
const Json* find_nested(const Json& json, const std::string& section, const std::string& name) {
  const size_t dot = name.find('.');
  const auto found = json.find(name.substr(0, dot));
  if (found == json.end()) return nullptr;
  if (dot == std::string::npos) return &*found;
  if (!found->is_object()) throw ConfigError(section + found.key(), shown(*found), "an object");
  return find_nested(*found, section + found.key() + ".", name.substr(dot + 1));
}

/// Calls visit("prefix.group.field", value) for the leaves of nested objects.
void visit_fields(const Json& fields, const std::string& prefix,
                  const std::function<void(const std::string&, const Json&)>& visit) {
  for (const auto& [name, value] : fields.items()) {
    const std::string key = prefix + name;
    const bool is_field = is_known_key(key) && canonical_key(key) == key;
    if (value.is_object() && !is_field)  // a group may be called as a field once was
      visit_fields(value, key + ".", visit);
    else
      visit(key, value);
  }
}

/// With the fields of a group, or the nearest key.
ConfigError unknown_key(const std::string& key) {
  std::vector<std::string> names, fields;
  for (const auto& [name, canonical] : known_keys()) names.push_back(name);
  std::copy_if(names.begin(), names.end(), std::back_inserter(fields),
               [&](const std::string& name) { return name.starts_with(key + "."); });
  const std::string shown = "\"" + repair_utf8(key) + "\"";
  std::vector<std::string> owners;  // of a field that was called by its last name alone
  for (const auto& [name, canonical] : known_keys())
    if (name == canonical && canonical.substr(canonical.rfind('.') + 1) == key) owners.push_back(canonical);
  if (!owners.empty()) return ConfigError("unknown key", shown, "", "did you mean " + join(owners, " or ") + "?");
  const std::string near = nearest(key, names);
  constexpr size_t kMostFields = 20;  // a whole section has more than a line can show
  if (!fields.empty() && fields.size() < kMostFields)
    return ConfigError("a key", shown + ", which is a group", "one of " + join(fields, ", "));
  return ConfigError("unknown key", shown, "", near.empty() ? "" : "did you mean " + canonical_key(near) + "?");
}

ConfigError twice(const std::string& key, const std::string& one, const std::string& other) {
  return ConfigError(key, "two values, as " + one + " and as " + other, "one");
}

Preset preset_of(const std::string& name, const Json& json) {
  Preset preset;
  preset.name = name;
  preset.group = json.value("group", "");
  preset.about = json.value("about", "");
  preset.wants = json.value("wants", "");
  preset.base = json.value("base", "");
  preset.yields = json.value("yields", false);
  if (json.contains("overrides")) {
    if (json["overrides"].is_boolean())
      preset.overrides_all = json["overrides"].get<bool>();
    else
      preset.overrides = json["overrides"].get<std::vector<std::string>>();
  }
  preset.set = json.value("set", Json::object());
  RunConfig scratch;  // a wrong key or value is told where it stands
  for (const auto& [key, value] : preset.set.items()) set_field(scratch, key, value);
  return preset;
}

Preset parse_preset(const PresetText& text) {
  return preset_of(text.name, Json::parse(text.json, nullptr, true, /*ignore_comments=*/true));  // not from outside
}

const std::string kPresetFile = ".json";
const std::vector<std::string> kPresetKeys = {"group", "about", "wants", "base", "yields", "overrides", "set"};

/// What a preset file or a whole configuration holds, as a preset file has it.
Json preset_json(const Json& json) {
  if (!json.is_object()) throw ConfigError("a preset", "JSON that is no object", "an object with \"set\"");
  bool has_sections = !json.empty() && !json.contains("set");
  for (const auto& [key, value] : json.items()) has_sections &= value.is_object();
  if (has_sections) {
    Json set = Json::object();
    for_each_field(json, [&](const std::string& key, const Json& value) { set[key] = value; });
    return {{"set", set}};
  }
  for (const auto& [key, value] : json.items())
    if (std::find(kPresetKeys.begin(), kPresetKeys.end(), key) == kPresetKeys.end())
      throw unknown_name("a key of a preset", key, kPresetKeys);
  return json;
}

/// Of the user's.
Preset read_preset(const std::string& path) {
  const std::string text = read_file(path);
  const Json json = parse_json(text);
  try {
    if (json.is_discarded()) throw ConfigError("a preset", json_fault(text), "an object with \"set\"");
    Preset preset = preset_of(path, preset_json(json));
    if (preset.base.ends_with(kPresetFile))
      preset.base = (std::filesystem::path(path).parent_path() / preset.base).lexically_normal();
    return preset;
  } catch (const ConfigError& error) {
    throw ConfigError(printable_line(path) + ": " + error.what());
  } catch (const Json::exception&) {
    throw ConfigError(printable_line(path), "a value of another kind",
                      "group, about, wants and base as texts, yields true or false, overrides true or a list, set an "
                      "object");
  }
}

/// What a preset starts from, the first one first.
std::vector<std::string> bases_of(const std::string& name) {
  std::vector<std::string> bases;
  for (std::string base = find_preset(name).base; !base.empty(); base = find_preset(base).base) {
    if (base == name || std::find(bases.begin(), bases.end(), base) != bases.end())
      throw ConfigError("preset " + name + " starts from itself", base, "", "leave its base out");
    bases.insert(bases.begin(), base);
  }
  return bases;
}

}  // namespace

std::vector<std::string> with_bases(const std::vector<std::string>& presets) {
  std::vector<std::string> bases;
  std::string owner;
  for (const std::string& name : presets) {
    const std::vector<std::string> own = bases_of(name);
    if (own.empty()) continue;
    const size_t shared = std::min(bases.size(), own.size());
    if (!std::equal(bases.begin(), bases.begin() + static_cast<std::ptrdiff_t>(shared), own.begin()))
      throw ConfigError("presets " + owner + " and " + name + " start from different models",
                        bases.back() + " and " + own.back(), "", "leave one out");
    if (own.size() > bases.size()) {
      bases = own;
      owner = name;
    }
  }
  std::vector<std::string> all;
  for (const std::string& base : bases)
    if (std::find(presets.begin(), presets.end(), base) == presets.end()) all.push_back(base);
  all.insert(all.end(), presets.begin(), presets.end());
  return all;
}

std::vector<std::string> choices_of(const std::string& key, const FieldInfo& info) {
  return info.choices.empty() ? registered_names(key) : info.choices;
}

const std::vector<Preset>& all_presets() {
  static const std::vector<Preset> presets = [] {
    std::vector<Preset> parsed;
    for (const PresetText& text : preset_texts()) parsed.push_back(parse_preset(text));
    std::stable_sort(parsed.begin(), parsed.end(), [](const Preset& a, const Preset& b) {
      return std::tie(a.group, a.name) < std::tie(b.group, b.name);
    });
    return parsed;
  }();
  return presets;
}

Preset find_preset(const std::string& name) {
  if (name.ends_with(kPresetFile)) return read_preset(name);
  std::vector<std::string> names;
  for (const Preset& preset : all_presets()) {
    if (preset.name == name) return preset;
    names.push_back(preset.name);
  }
  if (name.find('=') != std::string::npos)
    throw with_remedy(ConfigError("unknown preset", "\"" + name + "\"", "", "a setting is given by"), Remedy::kAssign);
  const std::string near = nearest(name, names);
  const bool is_file = file_exists(name);
  const std::string hint = is_file ? "it is a file: data.train is where training files go, several as a pattern in "
                                     "quotes, 'DIR/*.txt'"
                           : near.empty() ? std::to_string(names.size()) + " are known"
                                          : "did you mean " + near + "?";
  throw with_remedy(ConfigError("unknown preset", "\"" + name + "\"", "", hint),
                    is_file || !near.empty() ? Remedy::kNone : Remedy::kListPresets);
}

ResolvedConfig resolve_config(const std::vector<std::string>& presets, const std::vector<std::string>& assignments,
                              const RunConfig& base) {
  ResolvedConfig resolved{base, {}, ""};
  std::set<std::string> decided;  // by --set, so that presets may disagree on them
  for (const std::string& assignment : assignments)
    decided.insert(canonical_key(strip(assignment.substr(0, assignment.find('=')))));
  std::map<std::string, std::pair<std::string, Json>> given;  // key -> preset, value
  std::set<std::string> yielding;                             // presets
  for (const std::string& name : with_bases(presets)) {
    const Preset preset = find_preset(name);
    const std::vector<std::string> bases = bases_of(name);
    if (preset.yields) yielding.insert(name);
    if (!preset.wants.empty()) resolved.wants = "preset " + name + " is for " + preset.wants;
    for (const auto& [name_of_field, value] : preset.set.items()) {
      const std::string key = canonical_key(name_of_field);
      const auto earlier = given.find(key);
      if (preset.yields && earlier != given.end()) continue;  // to those before it, too
      const bool may_override =
          preset.overrides_all ||
          (earlier != given.end() && std::find(bases.begin(), bases.end(), earlier->second.first) != bases.end()) ||
          (earlier != given.end() && yielding.contains(earlier->second.first)) ||
          std::find(preset.overrides.begin(), preset.overrides.end(), key) != preset.overrides.end();
      if (earlier != given.end() && earlier->second.second != value && !may_override && !decided.contains(key))
        throw ConfigError("presets " + earlier->second.first + " and " + name + " disagree on " + key,
                          earlier->second.second.dump() + " and " + value.dump(), "",
                          "leave one out, or decide with " + key + "=...");
      set_field(resolved.config, key, value);
      resolved.origins[key] = "preset " + name;
      given[key] = {name, value};
    }
  }
  for (const std::string& assignment : assignments) {
    const size_t equals = assignment.find('=');
    if (equals == std::string::npos || equals == 0)
      throw ConfigError("an assignment", "\"" + repair_utf8(assignment) + "\"", "KEY=VALUE",
                        "for example train.steps=1000");
    const std::string key = canonical_key(strip(assignment.substr(0, equals)));
    set_field(resolved.config, key, assignment.substr(equals + 1));
    resolved.origins[key] = kAssigned;
  }
  return resolved;
}

void require_agreement(const ModelConfig& decided, const ResolvedConfig& resolved, const std::string& hint) {
  RunConfig with_decided = resolved.config;
  with_decided.model = decided;
  const Json values = fields_of(with_decided), wanted = fields_of(resolved.config);
  for (const std::string& key : differing_keys(with_decided, resolved.config)) {
    const auto origin = resolved.origins.find(key);
    if (wanted[key] == -1) continue;  // "all", which this is
    if (origin != resolved.origins.end() && origin->second == kAssigned)
      throw ConfigError(key, wanted[key].dump(), values[key].dump(), hint);
  }
}

std::string canonical_key(const std::string& key) {
  const auto found = known_keys().find(key);
  return found == known_keys().end() ? key : found->second;
}

bool is_known_key(const std::string& key) {
  return known_keys().count(key) > 0;
}

void set_field(RunConfig& config, const std::string& key, const Json& value) {
  const std::string wanted = canonical_key(key);
  bool found = false;
  visit_run(config, [&](const std::string& name, auto& field, const FieldInfo& info) {
    if (name != wanted) return;
    assign(name, field, info, value);
    found = true;
  });
  if (!found) throw unknown_key(key);
}

Json fields_of(const RunConfig& config) {
  Json fields = Json::object();
  visit_run(config, [&](const std::string& key, const auto& value, const FieldInfo&) { fields[key] = value; });
  return fields;
}

Json to_json(const RunConfig& config) {
  Json json;
  const Json fields = fields_of(config);
  for (const auto& [key, value] : fields.items()) {
    Json* place = &json;
    for (const std::string& part : split(key, '.')) place = &(*place)[part];
    *place = value;
  }
  return json;
}

void for_each_field(const Json& config, const std::function<void(const std::string&, const Json&)>& visit) {
  if (!config.is_object()) throw ConfigError("configuration", config.type_name(), "an object of sections");
  std::map<std::string, std::string> seen;  // key → the name that was given
  for (const auto& [section, fields] : config.items()) {
    if (!fields.is_object()) throw ConfigError("configuration section " + section, fields.type_name(), "an object");
    visit_fields(fields, section + ".", [&](const std::string& name, const Json& value) {
      const auto [earlier, fresh] = seen.emplace(canonical_key(name), name);
      if (!fresh) throw twice(earlier->first, earlier->second, name);
      visit(name, value);
    });
  }
}

RunConfig run_config_from_json(const Json& json) {
  RunConfig config;
  for_each_field(json, [&](const std::string& key, const Json& value) { set_field(config, key, value); });
  return config;
}

Json model_config_to_json(const ModelConfig& config) {
  RunConfig run;
  run.model = config;
  return to_json(run)["model"];
}

ModelConfig model_config_from_json(const Json& json) {
  const std::string section = "model.";
  RunConfig config;
  visit_run(config, [&](const std::string& key, auto& value, const FieldInfo& info) {
    if (!key.starts_with(section)) return;
    const Json* found = find_nested(json, section, key.substr(section.size()));
    const std::string alias = alias_of(key, info);
    if (const auto flat = json.find(alias.substr(section.size())); alias != key && flat != json.end()) {
      if (found) throw twice(key, key, alias);
      found = &*flat;
    }
    if (found) assign(key, value, info, *found);
  });
  return config.model;
}

std::vector<std::string> differing_keys(const RunConfig& a, const RunConfig& b) {
  std::vector<std::string> keys;
  const Json left = fields_of(a), right = fields_of(b);
  for (const auto& [key, value] : left.items())
    if (value != right[key]) keys.push_back(key);
  return keys;
}

}  // namespace tvae
