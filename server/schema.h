// Checks requests against the schemas of openapi.json, so that what it says of them is what holds.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace tvae::server {

struct Violation {
  std::string pointer;  // JSON pointer of the value
  std::string detail;   // "what: got ..., expected ..."
};

/// Checks `value` against a schema of a document, and fills in the defaults of members that are missing. Of JSON Schema
/// it knows what our document uses: $ref, type, enum, const, minimum, maximum, minLength, maxLength (in characters),
/// pattern, items, minItems, maxItems, properties, required, additionalProperties (false), minProperties and
/// maxProperties; a whole number may be written 1.0. Throws std::logic_error for a keyword that it does not know.
std::optional<Violation> check(const nlohmann::ordered_json& document, const nlohmann::ordered_json& schema,
                               nlohmann::ordered_json& value, const std::string& pointer = "");

/// The schema that a $ref leads to.
const nlohmann::ordered_json& resolved(const nlohmann::ordered_json& document, const nlohmann::ordered_json& schema);

}  // namespace tvae::server
