#include "tvae/text/sentencepiece_model.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tvae/base/error.h"
#include "tvae/base/utf8.h"
#include "tvae/text/byte_model.h"
#include "tvae/text/character_map.h"
#include "tvae/text/fast_tokenizer.h"

namespace sentencepiece::logging {
void SetMinLogLevel(int level);  // exported by the library, but in none of its installed headers
}

namespace tvae {
namespace {

constexpr std::string_view kSpaceMark = "\u2581";  // how SentencePiece writes a space

// An added token is shown to SentencePiece as one character that no model knows, out of the private planes 15 and 16.
// So the text around it is still split as one text, and the unknown pieces say where the added tokens are.
constexpr uint32_t kFirstStandIn = 0xF0000;
constexpr size_t kStandIns = 0x10FFFE - kFirstStandIn;
static_assert(kMostAddedPieces == kStandIns - 1, "the last stand-in is for private characters of the text itself");

std::string stand_in(size_t index) {
  const uint32_t point = kFirstStandIn + static_cast<uint32_t>(index);
  return {static_cast<char>(0xF0 | (point >> 18)), static_cast<char>(0x80 | ((point >> 12) & 0x3F)),
          static_cast<char>(0x80 | ((point >> 6) & 0x3F)), static_cast<char>(0x80 | (point & 0x3F))};
}

/// The index of a stand-in; kStandIns for every other character.
size_t stand_in_index(std::string_view character) {
  if (character.size() != 4) return kStandIns;
  uint32_t point = static_cast<unsigned char>(character[0]) & 0x07;
  for (const size_t i : {1, 2, 3}) point = (point << 6) | (static_cast<unsigned char>(character[i]) & 0x3F);
  return point < kFirstStandIn ? kStandIns : point - kFirstStandIn;
}

/// A text in which no character is a stand-in but the last, which means none.
std::string without_stand_ins(std::string_view text) {
  constexpr unsigned char kFirstByte = 0xF3;  // of the private planes
  const auto may_be_private = [](char c) { return static_cast<unsigned char>(c) >= kFirstByte; };
  if (std::ranges::none_of(text, may_be_private)) return std::string(text);
  std::string replaced;
  for (const std::string_view character : utf8_characters(text))
    replaced += stand_in_index(character) < kStandIns ? stand_in(kStandIns - 1) : std::string(character);
  return replaced;
}

}  // namespace

SentencePieceModel::SentencePieceModel(const std::string& serialized, const std::string& path)
    : serialized_(serialized) {
  constexpr int kNothingButCrashes = 3;
  sentencepiece::logging::SetMinLogLevel(kNothingButCrashes);  // its errors come back as a status
  try {
    if (serialized.empty() || !has_sound_character_maps(serialized) ||
        !processor_.LoadFromSerializedProto(serialized).ok())
      throw CheckpointError("damaged tokenizer " + path, "", "a SentencePiece model");
    const std::vector<std::string> probe = processor_.EncodeAsPieces("a");
    dummy_prefix_ = !probe.empty() && probe.front().starts_with(kSpaceMark);
    for (int32_t id = 0; id < size(); ++id) written(id);  // throws at names of bytes that are none
  } catch (const CheckpointError&) {
    throw;
  } catch (const std::exception& error) {  // it checks less than it relies on
    throw CheckpointError("damaged tokenizer " + path, error.what(), "a SentencePiece model");
  }
  for (const auto& [name, id] : {std::pair("padding", processor_.pad_id()),
                                 {"end of sequence", processor_.eos_id()},
                                 {"unknown", processor_.unk_id()}})
    if (id < 0 || id >= size())
      throw CheckpointError("the tokenizer " + path + " cannot be used: it has no " + name + " piece", "",
                            "a model with <pad>, </s> and <unk>", "train one");
  byte_fallback_ = processor_.IsByte(processor_.PieceToId(byte_piece(0)));
}

TokenizerTraits SentencePieceModel::traits() const {
  return {.tokenizer_class = "T5Tokenizer",
          .writes_anything = byte_fallback_,
          .keeps_text = true,
          .finds_added_tokens = !byte_fallback_,
          .finds_special_tokens = false};
}

std::optional<int32_t> SentencePieceModel::find(const std::string& piece) const {
  const int32_t id = processor_.PieceToId(piece);
  return id != processor_.unk_id() || piece == processor_.IdToPiece(id) ? std::optional(id) : std::nullopt;
}

Written SentencePieceModel::written(int32_t id) const {
  const std::string& piece = processor_.IdToPiece(id);
  if (id == processor_.unk_id()) return {std::string(kUnknownText)};
  if (processor_.IsControl(id)) return {"", "", /*skipped=*/true};
  if (processor_.IsByte(id)) return {std::string(1, static_cast<char>(std::stoi(piece.substr(3, 2), nullptr, 16)))};
  std::string text = piece;
  for (size_t mark = 0; (mark = text.find(kSpaceMark, mark)) != std::string::npos;)
    text.replace(mark, kSpaceMark.size(), " ");
  const bool loses_space = dummy_prefix_ && piece.starts_with(kSpaceMark);
  return {text, text.substr(loses_space ? 1 : 0)};
}

SpecialTokens SentencePieceModel::special_tokens() const {
  return {{"pad_token", piece(processor_.pad_id())},
          {"eos_token", piece(processor_.eos_id())},
          {"unk_token", piece(processor_.unk_id())}};
}

void SentencePieceModel::encode(std::string_view text, std::vector<int32_t>& ids) const {
  if (byte_fallback_)
    encode_with_fallback(text, ids);
  else
    encode_pieces(text, ids);
}

void SentencePieceModel::encode_pieces(std::string_view text, std::vector<int32_t>& ids) const {
  if (text.empty()) return;
  std::vector<int> found = processor_.EncodeAsIds(text);
  if (ids.empty())
    ids = std::move(found);
  else
    ids.insert(ids.end(), found.begin(), found.end());
}

// What SentencePiece would change (its own space mark, malformed UTF-8, NUL) is written as bytes.
void SentencePieceModel::encode_with_fallback(std::string_view text, std::vector<int32_t>& ids) const {
  if (is_valid_utf8(text) && text.find('\0') == std::string_view::npos &&
      text.find(kSpaceMark) == std::string_view::npos) {
    encode_pieces(text, ids);
    return;
  }
  size_t start = 0, end = 0;
  for (const std::string_view character : utf8_characters(text)) {
    end += character.size();
    if (character != kSpaceMark && character != std::string_view("\0", 1) && is_valid_utf8(character)) continue;
    encode_pieces(text.substr(start, end - character.size() - start), ids);
    for (const char c : character) ids.push_back(processor_.PieceToId(byte_piece(static_cast<unsigned char>(c))));
    start = end;
  }
  encode_pieces(text.substr(start), ids);
}

// SentencePiece joins neighbouring unknown characters to one piece; its surface tells the characters.
void SentencePieceModel::encode_parts(const std::vector<TextPart>& parts, std::vector<int32_t>& ids) const {
  std::string shown;
  for (const TextPart& part : parts)
    shown += part.added ? stand_in(static_cast<size_t>(*part.added - size())) : without_stand_ins(part.text);
  if (parts.size() == 1 && shown == parts.front().text) {
    encode(shown, ids);
    return;
  }
  const sentencepiece::ImmutableSentencePieceText encoded = processor_.EncodeAsImmutableProto(shown);
  for (const auto& piece : encoded.pieces()) {
    const auto id = static_cast<int32_t>(piece.id());
    if (id != processor_.unk_id()) {
      ids.push_back(id);
      continue;
    }
    bool after_unknown = false;
    for (const std::string_view character : utf8_characters(piece.surface())) {
      const size_t index = stand_in_index(character);
      const bool is_added = index < kMostAddedPieces;
      if (is_added)
        ids.push_back(size() + static_cast<int32_t>(index));
      else if (!after_unknown)
        ids.push_back(processor_.unk_id());
      after_unknown = !is_added;
    }
  }
}

std::map<std::string, std::string> SentencePieceModel::files(bool bare) const {
  std::map<std::string, std::string> files = {{"spiece.model", serialized_}};
  const bool trained_here = byte_fallback_ && !dummy_prefix_ && bare;
  if (trained_here) files["tokenizer.json"] = fast_tokenizer_json(processor_);
  return files;
}

void SentencePieceModel::describe(nlohmann::ordered_json& config, bool adds) const {
  // Legacy is what encodes as SentencePiece does, except that it puts a space after every added token.
  config["legacy"] = !adds;
}

}  // namespace tvae
