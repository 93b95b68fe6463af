// The small files of Hugging Face's tokenizers beside the vocabulary: tokenizer_config.json, special_tokens_map.json
// and the older added_tokens.json.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tvae/text/tokenizer_model.h"

namespace tvae {

/// A token that is found in a text before the rest is split.
struct AddedToken {
  std::string text;
  bool special = false;     // decode leaves it out
  bool normalized = false;  // it is looked for in the normalized text
  bool has_rules = false;   // of blanks beside it or whole words (lstrip, rstrip, single_word), which are not kept here
};
using AddedTokens = std::map<uint64_t, AddedToken>;  // by id

/// From an object of added_tokens_decoder or of tokenizer.json; from a string its text alone.
AddedToken added_token(const nlohmann::ordered_json& token);

struct TokenizerFiles {
  std::string config_file;  // tokenizer_config.json
  nlohmann::ordered_json config = nlohmann::ordered_json::object();
  AddedTokens added;
  SpecialTokens special;                // "eos_token", ...: of tokenizer_config.json, else special_tokens_map.json
  std::vector<std::string> additional;  // additional_special_tokens
  std::string tokenizer_class;          // without the ending Fast; empty where none is named
};
/// Throws CheckpointError naming the file that is no JSON object.
TokenizerFiles read_tokenizer_files(const std::string& folder);

/// "<extra_id_0>": T5's tokens for what was masked. They are no text.
std::string extra_id_name(int64_t index);
bool is_extra_id(std::string_view token);

}  // namespace tvae
