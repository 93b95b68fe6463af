// BERT's tokens: words, split greedily into the longest pieces that there are (WordPiece; Devlin et al. 2018).
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "tvae/text/tokenizer_model.h"
#include "tvae/text/vocabulary.h"

namespace tvae {

/// Named as in Hugging Face's tokenizer_config.json.
struct WordPieceOptions {
  bool do_lower_case = false;
  bool strip_accents = false;
  bool tokenize_chinese_chars = true;
  std::string unk_token = "[UNK]";
};

/// The options with those that a tokenizer_config.json gives. Accents are stripped from lower case where neither says.
WordPieceOptions completed(WordPieceOptions options, std::optional<bool> strip_accents,
                           const nlohmann::ordered_json& config);

/// Loses spaces, control characters and, where it is uncased, case and accents. Hugging Face's two tokenizers of BERT
/// differ at characters of Unicode 9 and later that are punctuation or marks, since the faster one's tables are older;
/// these are taken here as the slower one takes them.
class WordPiece : public TokenizerModel {
 public:
  /// Throws CheckpointError, naming `path`, where a piece is there twice or there is no unknown piece.
  WordPiece(std::vector<std::string> pieces, WordPieceOptions options, const std::string& path);
  /// The lines of vocab.txt.
  static std::vector<std::string> read_pieces(const std::string& vocab_file);
  /// Whether a vocabulary has pieces with capitals, other than special tokens such as [CLS].
  static bool is_cased(const std::vector<std::string>& pieces);

  TokenizerTraits traits() const override;
  int32_t size() const override { return static_cast<int32_t>(pieces_.size()); }
  std::string piece(int32_t id) const override { return pieces_[static_cast<size_t>(id)]; }
  std::optional<int32_t> find(const std::string& piece) const override;
  Written written(int32_t id) const override;
  Written written_added(const std::string& token) const override { return {" " + token, token}; }
  SpecialTokens special_tokens() const override;
  /// Malformed UTF-8 is left out, as control characters are.
  void encode(std::string_view text, std::vector<int32_t>& ids) const override;
  /// Without the spaces before punctuation and within contractions (Hugging Face's clean_up_tokenization_spaces).
  std::string tidied(std::string text) const override;
  std::map<std::string, std::string> files(bool bare) const override;
  void describe(nlohmann::ordered_json& config, bool adds) const override;
  std::string identity() const override;

 private:
  std::string normalized(std::string_view text) const;
  void encode_word(std::string_view word, std::vector<int32_t>& ids) const;

  std::vector<std::string> pieces_;
  WordPieceOptions options_;
  TextMap<int32_t> ids_;
  TextMap<int32_t> continuations_;  // by what follows "##"
  size_t longest_ = 0;              // of the pieces, in bytes
  int32_t unknown_ = 0;
};

}  // namespace tvae
