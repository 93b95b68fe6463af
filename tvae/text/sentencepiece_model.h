// SentencePiece models: T5's own, and those trained here.
#pragma once

#include <sentencepiece_processor.h>

#include <memory>

#include "tvae/text/tokenizer_model.h"

namespace tvae {

/// Private characters, which no model knows, stand for added tokens (encode_parts); this many tokens can be added.
constexpr size_t kMostAddedPieces = 0x10FFFE - 0xF0000 - 1;

class SentencePieceModel : public TokenizerModel {
 public:
  /// From SentencePiece's file. Throws CheckpointError, naming `path`, where it is damaged or has no padding, end of
  /// sequence and unknown piece.
  SentencePieceModel(const std::string& serialized, const std::string& path);

  TokenizerTraits traits() const override;
  int32_t size() const override { return processor_.GetPieceSize(); }
  std::string piece(int32_t id) const override { return processor_.IdToPiece(id); }
  std::optional<int32_t> find(const std::string& piece) const override;
  Written written(int32_t id) const override;
  SpecialTokens special_tokens() const override;
  void encode(std::string_view text, std::vector<int32_t>& ids) const override;
  /// The text around added tokens is split as one text, as if they were unknown characters.
  void encode_parts(const std::vector<TextPart>& parts, std::vector<int32_t>& ids) const override;
  std::map<std::string, std::string> files(bool bare) const override;
  void describe(nlohmann::ordered_json& config, bool adds) const override;
  std::string identity() const override { return serialized_; }

  const sentencepiece::SentencePieceProcessor& processor() const { return processor_; }

 private:
  void encode_pieces(std::string_view text, std::vector<int32_t>& ids) const;
  void encode_with_fallback(std::string_view text, std::vector<int32_t>& ids) const;

  std::string serialized_;
  sentencepiece::SentencePieceProcessor processor_;
  bool dummy_prefix_ = false;  // whether the model puts a space before the text
  bool byte_fallback_ = false;
};

}  // namespace tvae
