// ByT5's tokens: an id a byte.
#pragma once

#include "tvae/text/tokenizer_model.h"

namespace tvae {

/// Pad, end of sequence and unknown, then byte + 3.
class ByteModel : public TokenizerModel {
 public:
  TokenizerTraits traits() const override;
  int32_t size() const override;
  std::string piece(int32_t id) const override;
  std::optional<int32_t> find(const std::string& piece) const override;
  Written written(int32_t id) const override;
  SpecialTokens special_tokens() const override;
  void encode(std::string_view text, std::vector<int32_t>& ids) const override;
  std::map<std::string, std::string> files(bool bare) const override;
  void describe(nlohmann::ordered_json& config, bool adds) const override;
  std::string identity() const override { return ""; }
};

/// "<0x0A>": how a byte is shown that is no character, and SentencePiece's name of its piece.
std::string byte_piece(unsigned char byte);

/// What the unknown id is decoded to, as SentencePiece does.
constexpr std::string_view kUnknownText = " \u2047 ";

}  // namespace tvae
