#include "tvae/text/vocabulary.h"

#include <nlohmann/json.hpp>

#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/json.h"

namespace tvae {

TextMap<int32_t> ids_of(const std::vector<std::string>& pieces, const std::string& path) {
  TextMap<int32_t> ids;
  for (const std::string& piece : pieces) {
    const auto [first, is_new] = ids.emplace(piece, static_cast<int32_t>(ids.size()));
    if (!is_new)
      throw CheckpointError(
          path + " has a piece twice",
          "\"" + piece + "\" as id " + std::to_string(first->second) + " and id " + std::to_string(ids.size()),
          "each piece once");
  }
  return ids;
}

std::vector<std::string> pieces_of(const nlohmann::json& vocabulary, const std::string& path) {
  std::vector<std::string> pieces(vocabulary.size());
  std::vector<bool> given(pieces.size(), false);
  for (const auto& [piece, id] : vocabulary.items()) {
    const std::string expected = "ids from 0 to " + std::to_string(pieces.size() - 1) + ", each once";
    if (!id.is_number_unsigned() || id.get<uint64_t>() >= pieces.size())
      throw CheckpointError(path + ": the id of \"" + piece + "\"", id.dump(), expected);
    const auto place = id.get<size_t>();
    if (given[place])
      throw CheckpointError(path + ": the id of \"" + piece + "\"",
                            std::to_string(place) + ", which \"" + pieces[place] + "\" has too", expected);
    given[place] = true;
    pieces[place] = piece;
  }
  return pieces;
}

std::string vocabulary_json(const std::vector<std::string>& pieces) {
  std::string json = "{";
  for (size_t id = 0; id < pieces.size(); ++id)
    json += (id > 0 ? ", " : "") + nlohmann::json(pieces[id]).dump() + ": " + std::to_string(id);
  return json + "}\n";
}

nlohmann::json read_large_json_file(const std::string& path) {
  const std::string text = read_file(path);
  if (!nests_deeper(text, kDeepestJson))
    if (nlohmann::json json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false); json.is_object())
      return json;
  throw CheckpointError(path + " is not a JSON object", json_fault(text));
}

}  // namespace tvae
