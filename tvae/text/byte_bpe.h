// GPT-2's tokens: byte-pair encoding of bytes (Radford et al. 2019).
#pragma once

#include <array>
#include <memory>

#include "tvae/text/tokenizer_model.h"
#include "tvae/text/vocabulary.h"

namespace tvae {

class ByteBpe : public TokenizerModel {
 public:
  using Merges = std::vector<std::pair<std::string, std::string>>;  // the earliest first

  /// `pieces`, by id, and the merges write each byte as a character of its own, as vocab.json and merges.txt do. Throws
  /// CheckpointError, naming `path`, where a byte has no piece, or a merge is there twice or names what is no piece.
  ByteBpe(std::vector<std::string> pieces, const Merges& merges, const std::string& path);
  /// From vocab.json and merges.txt. Throws CheckpointError where they are damaged.
  static std::shared_ptr<const ByteBpe> read(const std::string& vocab_file, const std::string& merges_file);
  ~ByteBpe() override;

  TokenizerTraits traits() const override;
  int32_t size() const override { return static_cast<int32_t>(pieces_.size()); }
  std::string piece(int32_t id) const override { return pieces_[static_cast<size_t>(id)]; }
  std::optional<int32_t> find(const std::string& piece) const override;
  Written written(int32_t id) const override;
  SpecialTokens special_tokens() const override;
  /// Malformed UTF-8 is neither letter nor number nor space.
  void encode(std::string_view text, std::vector<int32_t>& ids) const override;
  std::map<std::string, std::string> files(bool bare) const override;
  void describe(nlohmann::ordered_json& config, bool adds) const override;
  std::string identity() const override;

 private:
  struct Merge {
    int32_t rank;  // the lowest is done first
    int32_t made;  // the id of the joined piece
  };
  class WordCache;

  const Merge* find_merge(int32_t left, int32_t right) const;
  std::vector<int32_t> encode_word(std::string_view word) const;

  std::vector<std::string> pieces_;
  TextMap<int32_t> ids_;
  std::vector<std::pair<int32_t, int32_t>> pairs_;  // by rank
  std::unordered_map<uint64_t, Merge> merges_;      // by both ids
  std::array<int32_t, 256> byte_ids_{};
  std::unique_ptr<WordCache> cache_;
};

}  // namespace tvae
