#include "tvae/base/json.h"

#include <algorithm>
#include <limits>

#include "tvae/base/error.h"
#include "tvae/base/files.h"

namespace tvae {

using Json = nlohmann::ordered_json;

bool nests_deeper(std::string_view json, int most) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_string) {
      if (c == '\\') ++i;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > most) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

Json parse_json(std::string_view text) {
  if (nests_deeper(text, kDeepestJson)) return Json(Json::value_t::discarded);
  return Json::parse(text, nullptr, /*allow_exceptions=*/false);
}

std::string json_fault(std::string_view text) {
  if (nests_deeper(text, kDeepestJson)) return "JSON that nests too deeply";
  try {
    const Json parsed = Json::parse(text);
    return "";
  } catch (const Json::parse_error& error) {
    const size_t end = std::min(error.byte > 0 ? error.byte - 1 : 0, text.size());  // the bytes before the fault
    const std::string_view before = text.substr(0, end);
    const size_t line_start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
    return "no JSON at line " + std::to_string(1 + std::count(before.begin(), before.end(), '\n')) + ", column " +
           std::to_string(1 + end - line_start);
  } catch (const Json::out_of_range&) {
    return "JSON with a number that is too large";
  }
}

Json read_json_file(const std::string& path) {
  const std::string text = read_file(path);
  Json json = parse_json(text);
  if (json.is_object()) return json;
  if (nests_deeper(text, kDeepestJson))
    throw CheckpointError(path + ": its JSON nests too deeply", "",
                          "at most " + std::to_string(kDeepestJson) + " levels");
  throw CheckpointError(path + " is not a JSON object", json.is_discarded() ? json_fault(text) : json.type_name());
}

std::optional<int64_t> whole_number(const Json& value) {
  const bool fits =
      value.is_number_integer() &&
      (!value.is_number_unsigned() || value.get<uint64_t>() <= uint64_t{std::numeric_limits<int64_t>::max()});
  return fits ? std::optional(value.get<int64_t>()) : std::nullopt;
}

}  // namespace tvae
