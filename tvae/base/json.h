// JSON that came from outside: read to a depth that no real document reaches, so that nothing recurses too deeply
// later.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace tvae {

/// Lists and objects within one another. Documents of Hugging Face and of this program nest less than ten deep; copying
/// or printing a value takes a call for each level, and tens of thousands of them overrun the stack.
constexpr int kDeepestJson = 200;

/// Whether a JSON text opens more than `most` lists and objects within one another. Reads a text that is no JSON too.
bool nests_deeper(std::string_view json, int most);

/// The value of a JSON text; a discarded one (is_discarded()) where it is no JSON or nests deeper than kDeepestJson.
nlohmann::ordered_json parse_json(std::string_view text);

/// Why parse_json has no value for a text, and where: "no JSON at line 3, column 5", "JSON that nests too deeply".
std::string json_fault(std::string_view text);

/// The object in a JSON file. Throws CheckpointError naming the file where that is no JSON, nests too deeply, or is
/// something else than an object, and DataError where it cannot be read.
nlohmann::ordered_json read_json_file(const std::string& path);

/// The whole number that a value is; nullopt for others, and for those beyond int64_t, whose conversion is undefined.
std::optional<int64_t> whole_number(const nlohmann::ordered_json& value);

}  // namespace tvae
