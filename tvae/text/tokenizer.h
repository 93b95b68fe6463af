// Text to token ids and back. One class for SentencePiece models (T5's own or trained here), plain bytes, GPT-2's
// byte-pair encoding of bytes and BERT's WordPiece.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tvae/base/progress.h"
#include "tvae/base/registry.h"

namespace tvae {

/// A loaded tokenizer; safe to use from several threads at once.
///
/// Ids follow T5: pad 0, end of sequence 1, unknown 2 for every tokenizer made here. Characters that a SentencePiece
/// model without byte fallback cannot write become added tokens (see add_tokens), after the extra ids (T5's
/// <extra_id_0>, ...), as in Hugging Face's added_tokens_decoder.
///
/// GPT-2's and BERT's take their special tokens from tokenizer_config.json or special_tokens_map.json. Where these name
/// none, GPT-2's end of sequence and unknown are <|endoftext|>, and its pad is the end of sequence: a sequence's length
/// is never told by its ids, so that one id can do for both, and for the decoder's start. BERT's are [PAD], [SEP] and
/// [UNK]. A special token that is written in a text becomes its id there, as Hugging Face has it, and decode leaves it
/// out; the special tokens of SentencePiece models are mere text in a text.
///
/// BERT's loses spaces and, where it is uncased, case and accents, so that writes() and round_trips() are false for
/// many texts; of what decode leaves out, they tell the truth of every kind.
class Tokenizer {
 public:
  /// From a directory in the layout of one of Hugging Face's classes, or a .model file. The first of these that is
  /// there is read: a tokenizer_config.json of a ByT5Tokenizer, spiece.model (T5), tokenizer.json, vocab.json with
  /// merges.txt (GPT-2), vocab.txt (BERT; do_lower_case as tokenizer_config.json says, else where no piece has a
  /// capital). Extra ids and added tokens come from the tokenizer_config.json in the same folder; without one T5 has
  /// 100 extra ids, as in Hugging Face's T5Tokenizer. Throws CheckpointError when there is no tokenizer, it is damaged,
  /// or it asks for something that is not done here.
  static Tokenizer load(const std::string& path);
  /// From the bytes of a SentencePiece model; no extra ids.
  static Tokenizer from_sentencepiece(const std::string& serialized_model);
  /// ByT5's ids without its extra ids: pad, end of sequence, unknown, then byte + 3.
  static Tokenizer bytes();

  /// Ids of a text, without end of sequence. Text that cannot be written becomes the unknown id.
  std::vector<int32_t> encode(std::string_view text) const;
  /// The text of ids; pad, end of sequence, extra ids and ids that do not exist are skipped. Decoding stops at nothing:
  /// cut at eos first. Byte tokens in a wrong order give malformed UTF-8 (repair_utf8 mends it for output). BERT's has
  /// no spaces before punctuation (Hugging Face's clean_up_tokenization_spaces).
  std::string decode(const std::vector<int32_t>& ids) const;
  /// What an id adds to a text that has begun: with the space that a first piece would lose.
  std::string text_of(int32_t id) const;
  /// Whether decode(ids) == text, without making that text.
  bool writes(const std::vector<int32_t>& ids, std::string_view text) const;
  /// Whether decode(encode(text)) == text.
  bool round_trips(std::string_view text) const;

  /// Number of ids, extra ids and added tokens included.
  int64_t size() const;
  int32_t pad_id() const;
  int32_t eos_id() const;
  int32_t unk_id() const;
  /// Readable form of one id: the piece, "<0x0A>", "</s>", ...
  std::string piece(int32_t id) const;
  /// True for models that can write any text (byte fallback, byte tokenizer, GPT-2's; of these all but their own
  /// special tokens).
  bool writes_anything() const;

  /// Gives each text (single characters such as "<" or "{") an id of its own after the present ones; texts that the
  /// tokenizer already writes and reads back are skipped, of BERT's those that it has pieces for. Returns how many ids
  /// were added.
  int64_t add_tokens(const std::vector<std::string>& texts);
  /// Distinct characters of the lines that do not survive encode and decode (unknown, or changed by the model's
  /// normalisation, as tab and newline by T5's; of BERT's the unknown alone), in order of code point; for add_tokens.
  std::vector<std::string> unwritable_characters(const std::vector<std::string>& lines) const;

  /// Writes the vocabulary (spiece.model, vocab.json with merges.txt, or vocab.txt; whatever it was read from),
  /// tokenizer_config.json and special_tokens_map.json, so that both this class and Hugging Face's T5Tokenizer
  /// (ByT5Tokenizer, GPT2Tokenizer, BertTokenizer) load the directory. Atomic, file by file.
  void save(const std::string& directory) const;
  /// Hash of everything that shapes the ids; part of the token cache's key.
  uint64_t fingerprint() const;

 private:
  struct Implementation;
  explicit Tokenizer(std::shared_ptr<const Implementation> implementation);
  std::shared_ptr<const Implementation> implementation_;
};

/// How to train a tokenizer. All of them write every line byte for byte: no normalisation, no dummy prefix, spaces and
/// tabs kept, byte fallback.
struct TokenizerTraining {
  std::string kind = "unigram";  // of tokenizer_kinds
  int64_t vocab_size = 4096;     // at most; few or short lines give fewer ids, with a warning. Not used by byte
  // Lines drawn (seeded) for training; 0 = all. Where it is not given, up to 100,000, and of their text what is enough
  // for pieces (unigram, bpe): seconds of work.
  std::optional<int64_t> sample_lines = {};
  int64_t seed = 42;
  std::vector<std::string> pieces = {};  // texts that are always one id, beyond what training finds; not for byte
  Progress* progress = &Progress::none();
};

/// Trains on lines that are drawn already, of which there is at least one.
using TokenizerTrainer = Tokenizer (*)(const std::vector<std::string_view>& lines, const TokenizerTraining& training);
/// By name, data.tokenizer_kind: unigram, bpe and char by SentencePiece, byte as ByT5's ids, byte + 3.
Registry<TokenizerTrainer>& tokenizer_kinds();

/// Trains on lines held in memory; the same lines and settings give the same tokenizer on every machine. Throws
/// DataError when there are no lines, ConfigError for an unknown kind or a vocabulary that is too small for the bytes
/// or beyond a million.
Tokenizer train_tokenizer(const std::vector<std::string>& lines, const TokenizerTraining& training);

}  // namespace tvae
