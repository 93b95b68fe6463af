#include "tvae/text/word_piece.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/strings.h"
#include "tvae/text/unicode.h"

namespace tvae {
namespace {

constexpr std::string_view kContinues = "##";  // a piece that does not begin a word
constexpr size_t kLongestWord = 100;  // in characters; longer ones are unknown, as in Hugging Face's tokenizers

/// The blocks of CJK ideographs that Hugging Face's fast tokenizer puts spaces around. Extension E begins late there,
/// at U+2B920, by a slip of theirs that their ids have.
bool is_chinese(int32_t point) {
  constexpr std::array<std::pair<int32_t, int32_t>, 7> kBlocks = {{{0x3400, 0x4DBF},
                                                                   {0x4E00, 0x9FFF},
                                                                   {0xF900, 0xFAFF},
                                                                   {0x20000, 0x2A6DF},
                                                                   {0x2A700, 0x2B81F},
                                                                   {0x2B920, 0x2CEAF},
                                                                   {0x2F800, 0x2FA1F}}};
  return std::ranges::any_of(kBlocks,
                             [point](const auto& block) { return point >= block.first && point <= block.second; });
}

bool is_removed(int32_t point) {
  return point == 0 || point == 0xFFFD || (is_control(point) && point != '\t' && point != '\n' && point != '\r');
}

bool stands_alone(int32_t point) {
  const bool ascii_symbol = point > ' ' && point < 0x7F && !is_letter(point) && !is_number(point);
  return ascii_symbol || is_punctuation(point);
}

/// The size of the first character of text that is UTF-8.
size_t character_size(std::string_view text) {
  return first_character(text).length;
}

size_t count_characters(std::string_view text) {
  return static_cast<size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

bool is_special(const std::string& piece) {
  return piece.starts_with('[') && piece.ends_with(']') && piece.size() > 2;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
}

}  // namespace

WordPieceOptions completed(WordPieceOptions options, std::optional<bool> strip_accents,
                           const nlohmann::ordered_json& config) {
  const auto given = [&config](const char* key) -> std::optional<bool> {
    const auto found = config.find(key);
    return found != config.end() && found->is_boolean() ? std::optional(found->get<bool>()) : std::nullopt;
  };
  options.do_lower_case = given("do_lower_case").value_or(options.do_lower_case);
  options.tokenize_chinese_chars = given("tokenize_chinese_chars").value_or(options.tokenize_chinese_chars);
  if (const auto strip = given("strip_accents")) strip_accents = strip;
  options.strip_accents = strip_accents.value_or(options.do_lower_case);
  return options;
}

WordPiece::WordPiece(std::vector<std::string> pieces, WordPieceOptions options, const std::string& path)
    : pieces_(std::move(pieces)), options_(std::move(options)), ids_(ids_of(pieces_, path)) {
  for (const auto& [piece, id] : ids_) {
    longest_ = std::max(longest_, piece.size());
    if (piece.starts_with(kContinues)) continuations_.emplace(piece.substr(kContinues.size()), id);
  }
  const auto unknown = ids_.find(options_.unk_token);
  if (unknown == ids_.end())
    throw CheckpointError("the tokenizer " + path + " cannot be used: it has no unknown piece", "",
                          "a piece " + options_.unk_token);
  unknown_ = unknown->second;
}

std::vector<std::string> WordPiece::read_pieces(const std::string& vocab_file) {
  std::vector<std::string> pieces = split(read_file(vocab_file), '\n');
  if (pieces.back().empty()) pieces.pop_back();
  for (std::string& piece : pieces)
    if (piece.ends_with('\r')) piece.pop_back();
  if (pieces.empty()) throw CheckpointError("damaged tokenizer " + vocab_file, "no pieces", "a piece a line");
  return pieces;
}

bool WordPiece::is_cased(const std::vector<std::string>& pieces) {
  return std::ranges::any_of(pieces, [](const std::string& piece) {
    std::string lower;
    for (std::string_view rest = piece; !rest.empty(); rest.remove_prefix(character_size(rest)))
      append_lower_case(lower, first_character(rest).point);
    return !is_special(piece) && lower != piece;
  });
}

TokenizerTraits WordPiece::traits() const {
  return {.tokenizer_class = "BertTokenizer",
          .writes_anything = false,
          .keeps_text = false,
          .finds_added_tokens = true,
          .finds_special_tokens = true};
}

std::optional<int32_t> WordPiece::find(const std::string& piece) const {
  const auto found = ids_.find(piece);
  return found == ids_.end() ? std::nullopt : std::optional(found->second);
}

Written WordPiece::written(int32_t id) const {
  const std::string& piece = pieces_[static_cast<size_t>(id)];
  if (piece.starts_with(kContinues)) return {piece.substr(kContinues.size()), piece};
  return {" " + piece, piece};
}

SpecialTokens WordPiece::special_tokens() const {
  return {{"pad_token", "[PAD]"}, {"eos_token", "[SEP]"},  {"sep_token", "[SEP]"}, {"unk_token", options_.unk_token},
          {"cls_token", "[CLS]"}, {"mask_token", "[MASK]"}};
}

std::string WordPiece::normalized(std::string_view text) const {
  std::string clean;
  for (; !text.empty(); text.remove_prefix(character_size(text))) {
    const int32_t point = first_character(text).point;
    const bool apart = options_.tokenize_chinese_chars && is_chinese(point);
    if (is_removed(point)) continue;
    if (apart) clean += ' ';
    append_character(clean, is_white_space(point) ? ' ' : point);
    if (apart) clean += ' ';
  }
  if (!options_.strip_accents && !options_.do_lower_case) return clean;
  const std::string decomposed_text = options_.strip_accents ? decomposed(clean) : clean;
  std::string made;
  for (std::string_view rest = decomposed_text; !rest.empty(); rest.remove_prefix(character_size(rest))) {
    const int32_t point = first_character(rest).point;
    if (options_.strip_accents && is_nonspacing_mark(point)) continue;
    if (options_.do_lower_case)
      append_lower_case(made, point);
    else
      append_character(made, point);
  }
  return made;
}

void WordPiece::encode(std::string_view text, std::vector<int32_t>& ids) const {
  const std::string clean = normalized(text);
  size_t start = 0;
  const auto end_word = [&](size_t end, size_t next) {
    if (end > start) encode_word(std::string_view(clean).substr(start, end - start), ids);
    start = next;
  };
  for (size_t i = 0; i < clean.size();) {
    const Character character = first_character(std::string_view(clean).substr(i));
    const size_t next = i + character.length;
    if (is_white_space(character.point)) {
      end_word(i, next);
    } else if (stands_alone(character.point)) {
      end_word(i, i);
      end_word(next, next);
    }
    i = next;
  }
  end_word(clean.size(), clean.size());
}

void WordPiece::encode_word(std::string_view word, std::vector<int32_t>& ids) const {
  const size_t before = ids.size();
  bool known = count_characters(word) <= kLongestWord;
  const TextMap<int32_t>* pieces = &ids_;
  while (known && !word.empty()) {
    size_t length = std::min(word.size(), longest_);
    auto found = pieces->end();
    for (; length > 0; --length) {
      const bool whole = length == word.size() || (static_cast<unsigned char>(word[length]) & 0xC0) != 0x80;
      if (whole && (found = pieces->find(word.substr(0, length))) != pieces->end()) break;
    }
    known = length > 0;
    if (!known) break;
    ids.push_back(found->second);
    word.remove_prefix(length);
    pieces = &continuations_;
  }
  if (known) return;
  ids.resize(before);  // a word is unknown as a whole
  ids.push_back(unknown_);
}

std::string WordPiece::tidied(std::string text) const {
  for (const auto& [from, to] : {std::pair(" .", "."),
                                 {" ?", "?"},
                                 {" !", "!"},
                                 {" ,", ","},
                                 {" ' ", "'"},
                                 {" n't", "n't"},
                                 {" 'm", "'m"},
                                 {" 's", "'s"},
                                 {" 've", "'ve"},
                                 {" 're", "'re"}})
    replace_all(text, from, to);
  return text;
}

std::map<std::string, std::string> WordPiece::files(bool) const {
  return {{"vocab.txt", join(pieces_, "\n") + "\n"}};
}

void WordPiece::describe(nlohmann::ordered_json& config, bool) const {
  config["do_lower_case"] = options_.do_lower_case;
  config["strip_accents"] = options_.strip_accents;
  config["tokenize_chinese_chars"] = options_.tokenize_chinese_chars;
  config["clean_up_tokenization_spaces"] = true;
}

std::string WordPiece::identity() const {
  nlohmann::ordered_json options;
  describe(options, false);
  return traits().tokenizer_class + options.dump() + options_.unk_token + "\n" + join(pieces_, "\n");
}

}  // namespace tvae
