#include "tvae/text/tokenizer_files.h"

#include "tvae/base/files.h"
#include "tvae/base/json.h"

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;

Json read_json(const std::string& path) {
  return file_exists(path) ? read_json_file(path) : Json::object();
}

Json object_at(const Json& json, const char* key) {
  const Json value = json.value(key, Json());
  return value.is_object() ? value : Json::object();
}

bool flag_at(const Json& token, const char* key) {
  return token.value(key, Json(false)) == Json(true);
}

}  // namespace

AddedToken added_token(const Json& token) {
  if (token.is_string()) return {token.get<std::string>()};
  if (!token.is_object() || !token.contains("content")) return {};
  return {.text = added_token(token["content"]).text,
          .special = flag_at(token, "special"),
          .normalized = flag_at(token, "normalized"),
          .has_rules = flag_at(token, "lstrip") || flag_at(token, "rstrip") || flag_at(token, "single_word")};
}

TokenizerFiles read_tokenizer_files(const std::string& folder) {
  TokenizerFiles files;
  files.config_file = folder + "/tokenizer_config.json";
  files.config = read_json(files.config_file);
  files.tokenizer_class = added_token(files.config.value("tokenizer_class", Json(""))).text;
  if (files.tokenizer_class.ends_with("Fast")) files.tokenizer_class.resize(files.tokenizer_class.size() - 4);

  const Json older = read_json(folder + "/added_tokens.json");
  for (const auto& [text, id] : older.items())
    if (id.is_number_unsigned()) files.added[id.get<uint64_t>()] = {text};
  const Json decoder = object_at(files.config, "added_tokens_decoder");
  for (const auto& [id, token] : decoder.items())
    if (!id.empty() && id.size() < 10 && id.find_first_not_of("0123456789") == std::string::npos)
      files.added[std::stoull(id)] = added_token(token);

  const Json map = read_json(folder + "/special_tokens_map.json");
  for (const Json* source : {&map, static_cast<const Json*>(&files.config)})
    for (const char* name :
         {"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"})
      if (const std::string text = added_token(source->value(name, Json())).text; !text.empty())
        files.special[name] = text;
  for (const Json& token :
       files.config.value("additional_special_tokens", map.value("additional_special_tokens", Json::array())))
    if (const std::string text = added_token(token).text; !text.empty()) files.additional.push_back(text);
  return files;
}

std::string extra_id_name(int64_t index) {
  return "<extra_id_" + std::to_string(index) + ">";
}

bool is_extra_id(std::string_view token) {
  return token.starts_with("<extra_id_");
}

}  // namespace tvae
