// What differs between the kinds of tokenizers. Added tokens, extra ids, decoding and files are the same for all
// (tokenizer.cpp).
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tvae {

/// What an id adds to a text.
struct Written {
  std::string text;
  std::string first = text;  // at the beginning of a text, where a space before a word is left out
  bool skipped = false;      // no text at all: control pieces
};

/// A stretch of a text: an added token where it has the id of one, else what lies between two of them.
struct TextPart {
  std::string_view text;
  std::optional<int32_t> added = std::nullopt;
};

/// Texts of the tokens with a task, by their names in Hugging Face's files.
using SpecialTokens = std::map<std::string, std::string>;  // "eos_token" -> "</s>"

/// Facts about a kind of tokenizer.
struct TokenizerTraits {
  std::string tokenizer_class;  // Hugging Face's
  bool writes_anything;         // gives every text back, byte for byte, but for special tokens written in it
  bool keeps_text;              // gives back what it has pieces for; without it spaces, case and accents are lost
  bool finds_added_tokens;      // needless where every byte has an id and no file names tokens
  // Where the folder's files name special tokens, and a special token that is written in a text becomes its id, as
  // Hugging Face's tokenizers have it. T5's special tokens are the model's own, and mere text in a text.
  bool finds_special_tokens;
};

/// A vocabulary and how it splits a text without added tokens. Never changes; safe to use from several threads.
class TokenizerModel {
 public:
  virtual ~TokenizerModel() = default;

  virtual TokenizerTraits traits() const = 0;
  virtual int32_t size() const = 0;
  /// `id`: of this model, as everywhere here.
  virtual std::string piece(int32_t id) const = 0;
  virtual std::optional<int32_t> find(const std::string& piece) const = 0;
  virtual Written written(int32_t id) const = 0;
  virtual Written written_added(const std::string& token) const { return {token}; }
  /// The special tokens that are taken where no file names others. At least eos_token, unk_token.
  virtual SpecialTokens special_tokens() const = 0;

  /// Appends the ids of a text, which may be empty or malformed UTF-8.
  virtual void encode(std::string_view text, std::vector<int32_t>& ids) const = 0;
  /// The same of a text that may have added tokens in it.
  virtual void encode_parts(const std::vector<TextPart>& parts, std::vector<int32_t>& ids) const;
  /// What decode makes of the joined texts.
  virtual std::string tidied(std::string text) const { return text; }

  /// The files that Hugging Face's class reads, by name. `bare`: there are no ids after this model's.
  virtual std::map<std::string, std::string> files(bool bare) const = 0;
  /// Adds what the class needs to know to tokenizer_config.json. `adds`: there are added tokens, besides extra ids.
  virtual void describe(nlohmann::ordered_json& config, bool adds) const = 0;
  /// Bytes that tell whether two models give the same ids.
  virtual std::string identity() const = 0;
};

}  // namespace tvae
