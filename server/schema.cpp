#include "server/schema.h"

#include <algorithm>
#include <cmath>
#include <regex>
#include <set>
#include <stdexcept>

#include "tvae/base/utf8.h"

namespace tvae::server {
namespace {

using Json = nlohmann::ordered_json;

/// A number as people write it.
std::string shown(const Json& value) {
  std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  constexpr size_t kLongest = 60;
  if (text.size() <= kLongest) return text;
  return repair_utf8(std::string_view(text).substr(0, kLongest)) + "…";
}

bool is_whole(const Json& value) {
  return value.is_number_integer() ||
         (value.is_number_float() && std::floor(value.get<double>()) == value.get<double>() &&
          std::abs(value.get<double>()) < 9.1e15);
}

bool has_type(const Json& value, const std::string& type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "null") return value.is_null();
  if (type == "integer") return is_whole(value);
  if (type == "number") return value.is_number() && std::isfinite(value.get<double>());
  throw std::logic_error("a type that schemas do not have: " + type);
}

/// "member" of "/a/member"; what a sentence calls the value.
std::string name_of(const std::string& pointer) {
  return pointer.empty() ? "the body" : pointer.substr(1);
}

class Checker {
 public:
  explicit Checker(const Json& document) : document_(document) {}

  std::optional<Violation> check(const Json& given, Json& value, const std::string& pointer) const {
    const Json& schema = resolved(document_, given);
    const auto wrong = [&](const std::string& got, const std::string& expected) {
      return Violation{pointer, name_of(pointer) + ": got " + got + ", expected " + expected};
    };
    if (const auto type = schema.find("type"); type != schema.end()) {
      const std::vector<std::string> types =
          type->is_array() ? type->get<std::vector<std::string>>() : std::vector<std::string>{type->get<std::string>()};
      if (std::ranges::none_of(types, [&](const std::string& t) { return has_type(value, t); })) {
        std::string expected;
        for (const std::string& t : types) expected += (expected.empty() ? "" : " or ") + t;
        return wrong(shown(value), expected);
      }
      if (types.size() == 1 && types[0] == "integer" && !value.is_number_integer())
        value = static_cast<int64_t>(value.get<double>());  // 1.0 is the integer 1
    }
    for (const auto& [keyword, rule] : schema.items()) {
      if (keyword == "enum") {
        if (std::ranges::find(rule, value) == rule.end()) return wrong(shown(value), "one of " + shown(rule));
      } else if (keyword == "const") {
        if (value != rule) return wrong(shown(value), shown(rule));
      } else if (value.is_number() && keyword == "minimum") {
        if (value.get<double>() < rule.get<double>()) return wrong(shown(value), "at least " + shown(rule));
      } else if (value.is_number() && keyword == "maximum") {
        if (value.get<double>() > rule.get<double>()) return wrong(shown(value), "at most " + shown(rule));
      } else if (value.is_string() && (keyword == "minLength" || keyword == "maxLength")) {
        const size_t length = utf8_characters(value.get_ref<const std::string&>()).size(), limit = rule.get<size_t>();
        if (keyword == "minLength" ? length < limit : length > limit)
          return wrong(std::to_string(length) + " characters",
                       (keyword == "minLength" ? "at least " : "at most ") + std::to_string(limit));
      } else if (value.is_string() && keyword == "pattern") {
        if (!std::regex_match(value.get_ref<const std::string&>(), std::regex(rule.get<std::string>())))
          return wrong(shown(value), "what matches " + rule.get<std::string>());
      } else if (value.is_array() && (keyword == "minItems" || keyword == "maxItems")) {
        const size_t size = value.size(), limit = rule.get<size_t>();
        if (keyword == "minItems" ? size < limit : size > limit)
          return wrong(std::to_string(size) + " items",
                       (keyword == "minItems" ? "at least " : "at most ") + std::to_string(limit));
      } else if (value.is_object() && (keyword == "minProperties" || keyword == "maxProperties")) {
        const size_t size = value.size(), limit = rule.get<size_t>();
        if (keyword == "minProperties" ? size < limit : size > limit) {
          std::string members;
          for (const auto& [name, member] : schema.at("properties").items())
            members += (members.empty() ? "" : ", ") + name;
          return wrong(std::to_string(size) + " members", std::to_string(limit) + " of " + members);
        }
      } else if (!known(keyword)) {
        throw std::logic_error("a keyword that schemas do not have: " + keyword);
      }
    }
    if (value.is_array() && schema.contains("items"))
      for (size_t i = 0; i < value.size(); ++i)
        if (auto found = check(schema["items"], value[i], pointer + "/" + std::to_string(i))) return found;
    if (value.is_object() && schema.contains("properties")) return check_members(schema, value, pointer);
    return std::nullopt;
  }

 private:
  static bool known(const std::string& keyword) {
    static const std::set<std::string> keywords = {
        "type",      "minimum",       "maximum",       "minLength",
        "maxLength", "pattern",       "items",         "minItems",
        "maxItems",  "minProperties", "maxProperties", "properties",
        "required",  "default",       "description",   "additionalProperties",
        "$ref",      "format"};
    return keywords.contains(keyword);
  }

  std::optional<Violation> check_members(const Json& schema, Json& value, const std::string& pointer) const {
    const Json& properties = schema["properties"];
    if (schema.contains("required"))
      for (const Json& name : schema["required"])
        if (!value.contains(name.get<std::string>()))
          return Violation{pointer, name_of(pointer) + ": " + name.get<std::string>() + " is missing"};
    const bool closed = schema.value("additionalProperties", true) == false;
    for (const auto& [name, member] : value.items())
      if (closed && !properties.contains(name)) {
        std::string members;
        for (const auto& [known_name, known_member] : properties.items())
          members += (members.empty() ? "" : ", ") + known_name;
        return Violation{pointer, name_of(pointer) + ": unknown member " + shown(name) + ", expected of " + members};
      }
    for (const auto& [name, property] : properties.items()) {
      if (!value.contains(name)) {
        const Json& target = resolved(document_, property);
        if (target.contains("default")) value[name] = target["default"];
        continue;
      }
      if (auto found = check(property, value[name], pointer + "/" + name)) return found;
    }
    return std::nullopt;
  }

  const Json& document_;
};

}  // namespace

const Json& resolved(const Json& document, const Json& schema) {
  const auto reference = schema.find("$ref");
  if (reference == schema.end()) return schema;
  return document.at(Json::json_pointer(reference->get<std::string>().substr(1)));  // behind the "#"
}

std::optional<Violation> check(const Json& document, const Json& schema, Json& value, const std::string& pointer) {
  return Checker(document).check(schema, value, pointer);
}

}  // namespace tvae::server
