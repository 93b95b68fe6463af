// Pieces of a vocabulary by id, out of the files of others.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tvae {

/// For look-ups by a string_view.
struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};
template <class Value>
using TextMap = std::unordered_map<std::string, Value, TextHash, std::equal_to<>>;

/// The ids of pieces. Throws CheckpointError, naming `path`, where two are the same.
TextMap<int32_t> ids_of(const std::vector<std::string>& pieces, const std::string& path);

/// The pieces, by id, of a JSON object from piece to id (vocab.json, tokenizer.json). Throws CheckpointError, naming
/// `path`, where the ids are not 0, 1, ... each once.
std::vector<std::string> pieces_of(const nlohmann::json& vocabulary, const std::string& path);
/// vocab.json, the other way round.
std::string vocabulary_json(const std::vector<std::string>& pieces);

/// The object of a large JSON file; ordered_json takes time that grows with the square of its keys. Throws
/// CheckpointError, naming the file, where it is no JSON object.
nlohmann::json read_large_json_file(const std::string& path);

}  // namespace tvae
