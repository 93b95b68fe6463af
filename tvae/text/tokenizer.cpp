#include "tvae/text/tokenizer.h"

#include <sentencepiece_processor.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <unordered_map>

#include "tvae/base/assert.h"
#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/json.h"
#include "tvae/base/utf8.h"
#include "tvae/text/character_map.h"
#include "tvae/text/fast_tokenizer.h"

namespace sentencepiece::logging {
void SetMinLogLevel(int level);  // exported by the library, but in none of its installed headers
}

namespace tvae {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::string_view kSpaceMark = "\u2581";      // how SentencePiece writes a space
constexpr std::string_view kUnknownText = " \u2047 ";  // what SentencePiece decodes the unknown id to
constexpr int32_t kByteOffset = 3;                     // ByT5: pad, end of sequence and unknown come before the bytes
constexpr int32_t kBytesUnknown = 2;
constexpr int64_t kT5ExtraIds = 100;  // Hugging Face's defaults
constexpr int64_t kByT5ExtraIds = 125;

std::string byte_piece(unsigned char byte) {
  std::array<char, 8> name;
  std::snprintf(name.data(), name.size(), "<0x%02X>", byte);
  return name.data();
}

bool starts_with(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

// An added token is shown to SentencePiece as one character that no model knows, out of the private planes 15 and 16.
// So the text around it is still split as one text, and the unknown pieces say where the added tokens are.
constexpr uint32_t kFirstStandIn = 0xF0000;
constexpr size_t kStandIns = 0x10FFFE - kFirstStandIn;
// The last stand-in is for private characters of the text itself.
constexpr size_t kMostLaterTokens = kStandIns - 1;
constexpr int64_t kMostExtraIds = kStandIns / 2;

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

/// What an id of the model adds to a text.
struct Written {
  std::string text;
  bool skipped = false;      // a control piece, which is no text
  bool loses_space = false;  // at the start of a text, where the model puts a space before it
};

/// By id, of ByT5's ids.
std::vector<Written> written_by_bytes() {
  std::vector<Written> written(kByteOffset, {"", /*skipped=*/true});
  written[kBytesUnknown] = {std::string(kUnknownText)};
  for (int byte = 0; byte < 256; ++byte) written.push_back({std::string(1, static_cast<char>(byte))});
  return written;
}

/// By id, of a SentencePiece model.
std::vector<Written> written_by_pieces(const sentencepiece::SentencePieceProcessor& processor, bool dummy_prefix) {
  std::vector<Written> written;
  for (int id = 0; id < processor.GetPieceSize(); ++id) {
    const std::string& piece = processor.IdToPiece(id);
    if (id == processor.unk_id()) {
      written.push_back({std::string(kUnknownText)});
    } else if (processor.IsControl(id)) {
      written.push_back({"", /*skipped=*/true});
    } else if (processor.IsByte(id)) {
      written.push_back({std::string(1, static_cast<char>(std::stoi(piece.substr(3, 2), nullptr, 16)))});
    } else {
      std::string text = piece;
      for (size_t mark = 0; (mark = text.find(kSpaceMark, mark)) != std::string::npos;)
        text.replace(mark, kSpaceMark.size(), " ");
      written.push_back({text, false, /*loses_space=*/dummy_prefix && starts_with(piece, kSpaceMark)});
    }
  }
  return written;
}

/// An id after those of the model.
struct LaterToken {
  std::string text;
  bool sentinel;  // <extra_id_N>: not written by decode
};

}  // namespace

struct Tokenizer::Implementation {
  std::string model;  // SentencePiece's file; empty for the byte tokenizer
  std::shared_ptr<const sentencepiece::SentencePieceProcessor> processor;
  std::vector<LaterToken> later;
  bool dummy_prefix = false;  // whether the model puts a space before the text
  bool byte_fallback = false;
  std::vector<Written> written = written_by_bytes();  // by id of the model
  // What encode looks for, filled by index_added().
  std::array<bool, 256> first_bytes{};            // of added tokens, and of private characters where there are any
  std::unordered_map<std::string, size_t> added;  // text -> index in `later`
  std::set<size_t, std::greater<size_t>> added_lengths;  // in bytes, longest first

  bool bytes_only() const { return processor == nullptr; }
  int32_t model_size() const { return bytes_only() ? kByteOffset + 256 : processor->GetPieceSize(); }
  int32_t unk_id() const { return bytes_only() ? kBytesUnknown : processor->unk_id(); }

  void load_model(const std::string& serialized, const std::string& path);
  void index_added(size_t i);

  std::vector<int32_t> encode(std::string_view text) const;
  void encode_pieces(std::string_view text, std::vector<int32_t>& ids) const;
  void encode_byte(unsigned char byte, std::vector<int32_t>& ids) const;
  std::vector<int32_t> encode_with_fallback(std::string_view text) const;
  std::vector<int32_t> encode_with_added(std::string_view text) const;
  std::string with_stand_ins(std::string_view text) const;
  const std::string* added_at(std::string_view text) const;
  /// Calls append with what each id adds to the text, in order.
  template <typename Append>
  void write(const std::vector<int32_t>& ids, Append append) const;
  std::string decode(const std::vector<int32_t>& ids) const;
  bool writes(const std::vector<int32_t>& ids, std::string_view text) const;
  /// Whether a text comes back changed from the middle of a line, and an added token would help. One with
  /// SentencePiece's space mark would not: Hugging Face would find it in every space.
  bool wants_token(const std::string& text) const {
    const std::string line = "a" + text + "a";
    const bool possible = !text.empty() && is_valid_utf8(text) && text.find(kSpaceMark) == std::string::npos;
    return possible && !writes(encode(line), line);
  }
};

void Tokenizer::Implementation::load_model(const std::string& serialized, const std::string& path) {
  constexpr int kNothingButCrashes = 3;
  sentencepiece::logging::SetMinLogLevel(kNothingButCrashes);  // its errors come back as a status
  auto loaded = std::make_shared<sentencepiece::SentencePieceProcessor>();
  try {
    if (serialized.empty() || !has_sound_character_maps(serialized) ||
        !loaded->LoadFromSerializedProto(serialized).ok())
      throw CheckpointError("damaged tokenizer " + path, "", "a SentencePiece model");
    const std::vector<std::string> probe = loaded->EncodeAsPieces("a");
    dummy_prefix = !probe.empty() && starts_with(probe.front(), kSpaceMark);
    written = written_by_pieces(*loaded, dummy_prefix);
  } catch (const CheckpointError&) {
    throw;
  } catch (const std::exception& error) {  // it checks less than it relies on
    throw CheckpointError("damaged tokenizer " + path, error.what(), "a SentencePiece model");
  }
  for (const auto& [name, id] :
       {std::pair("padding", loaded->pad_id()), {"end of sequence", loaded->eos_id()}, {"unknown", loaded->unk_id()}})
    if (id < 0 || id >= loaded->GetPieceSize())
      throw CheckpointError("the tokenizer " + path + " cannot be used: it has no " + name + " piece", "",
                            "a model with <pad>, </s> and <unk>", "train one");
  model = serialized;
  processor = loaded;
  byte_fallback = loaded->IsByte(loaded->PieceToId(byte_piece(0)));
}

void Tokenizer::Implementation::index_added(size_t i) {
  TVAE_ASSERT(i < kMostLaterTokens, "too many added tokens");
  if (later[i].sentinel || later[i].text.empty()) return;
  added.emplace(later[i].text, i);
  added_lengths.insert(later[i].text.size());
  for (const std::string& text : {later[i].text, stand_in(0), stand_in(kStandIns - 1)})
    first_bytes[static_cast<unsigned char>(text.front())] = true;
}

std::vector<int32_t> Tokenizer::Implementation::encode(std::string_view text) const {
  if (bytes_only()) {
    std::vector<int32_t> ids;
    for (const char c : text) encode_byte(static_cast<unsigned char>(c), ids);
    return ids;
  }
  return byte_fallback ? encode_with_fallback(text) : encode_with_added(text);
}

void Tokenizer::Implementation::encode_pieces(std::string_view text, std::vector<int32_t>& ids) const {
  if (text.empty()) return;
  std::vector<int> found = processor->EncodeAsIds(text);
  if (ids.empty())
    ids = std::move(found);
  else
    ids.insert(ids.end(), found.begin(), found.end());
}

void Tokenizer::Implementation::encode_byte(unsigned char byte, std::vector<int32_t>& ids) const {
  ids.push_back(bytes_only() ? byte + kByteOffset : processor->PieceToId(byte_piece(byte)));
}

// What SentencePiece would change (its own space mark, malformed UTF-8, NUL) is written as bytes.
std::vector<int32_t> Tokenizer::Implementation::encode_with_fallback(std::string_view text) const {
  std::vector<int32_t> ids;
  if (is_valid_utf8(text) && text.find('\0') == std::string_view::npos &&
      text.find(kSpaceMark) == std::string_view::npos) {
    encode_pieces(text, ids);
    return ids;
  }
  size_t start = 0, end = 0;
  for (const std::string_view character : utf8_characters(text)) {
    end += character.size();
    if (character != kSpaceMark && character != std::string_view("\0", 1) && is_valid_utf8(character)) continue;
    encode_pieces(text.substr(start, end - character.size() - start), ids);
    for (const char c : character) encode_byte(static_cast<unsigned char>(c), ids);
    start = end;
  }
  encode_pieces(text.substr(start), ids);
  return ids;
}

// SentencePiece joins neighbouring unknown characters to one piece; its surface tells the characters.
std::vector<int32_t> Tokenizer::Implementation::encode_with_added(std::string_view text) const {
  std::vector<int32_t> ids;
  const auto may_begin = [this](char c) { return first_bytes[static_cast<unsigned char>(c)]; };
  const std::string shown = std::ranges::any_of(text, may_begin) ? with_stand_ins(text) : std::string();
  if (shown.empty() || shown == text) {
    encode_pieces(text, ids);
    return ids;
  }
  const sentencepiece::ImmutableSentencePieceText encoded = processor->EncodeAsImmutableProto(shown);
  for (const auto& piece : encoded.pieces()) {
    const auto id = static_cast<int32_t>(piece.id());
    if (id != unk_id()) {
      ids.push_back(id);
      continue;
    }
    bool after_unknown = false;
    for (const std::string_view character : utf8_characters(piece.surface())) {
      const size_t index = stand_in_index(character);
      const bool known = index < later.size();
      if (known)
        ids.push_back(model_size() + static_cast<int32_t>(index));
      else if (!after_unknown)
        ids.push_back(unk_id());
      after_unknown = !known;
    }
  }
  return ids;
}

std::string Tokenizer::Implementation::with_stand_ins(std::string_view text) const {
  std::string shown;
  while (!text.empty()) {
    size_t step = 1;
    if (!first_bytes[static_cast<unsigned char>(text.front())]) {
      shown += text.front();
    } else if (const std::string* found = added_at(text)) {
      shown += stand_in(added.at(*found));
      step = found->size();
    } else {
      const std::string_view character = utf8_characters(text.substr(0, 4)).front();
      // A private character of the text itself is unknown.
      shown += stand_in_index(character) < kStandIns ? stand_in(kStandIns - 1) : std::string(character);
      step = character.size();
    }
    text.remove_prefix(step);
  }
  return shown;
}

/// The longest added token that the text starts with.
const std::string* Tokenizer::Implementation::added_at(std::string_view text) const {
  for (const size_t length : added_lengths) {
    if (length > text.size()) continue;
    const auto found = added.find(std::string(text.substr(0, length)));
    if (found != added.end()) return &found->first;
  }
  return nullptr;
}

template <typename Append>
void Tokenizer::Implementation::write(const std::vector<int32_t>& ids, Append append) const {
  bool at_start = true;
  const auto first_later = static_cast<size_t>(model_size());
  for (const int32_t id : ids) {
    const auto index = static_cast<size_t>(id);
    if (id < 0 || index >= first_later + later.size()) continue;
    if (index >= first_later) {
      const LaterToken& token = later[index - first_later];
      if (token.sentinel) continue;
      append(std::string_view(token.text));
    } else {
      const Written& piece = written[index];
      if (piece.skipped) continue;
      append(std::string_view(piece.text).substr(at_start && piece.loses_space ? 1 : 0));
    }
    at_start = false;
  }
}

std::string Tokenizer::Implementation::decode(const std::vector<int32_t>& ids) const {
  std::string text;
  write(ids, [&text](std::string_view part) { text += part; });
  return text;
}

bool Tokenizer::Implementation::writes(const std::vector<int32_t>& ids, std::string_view text) const {
  bool same = true;
  write(ids, [&](std::string_view part) {
    same = same && text.starts_with(part);
    if (same) text.remove_prefix(part.size());
  });
  return same && text.empty();
}

namespace {

Json read_json(const std::string& path) {
  return file_exists(path) ? read_json_file(path) : Json::object();
}

/// The text of a token in Hugging Face's files: a string, or an object with its content.
std::string token_text(const Json& token) {
  if (token.is_string()) return token.get<std::string>();
  return token.is_object() && token.contains("content") ? token_text(token["content"]) : "";
}

std::string extra_id_name(int64_t index) {
  return "<extra_id_" + std::to_string(index) + ">";
}

/// T5 counts its extra ids down, ByT5 up.
std::vector<LaterToken> extra_ids(int64_t count, bool upwards) {
  std::vector<LaterToken> tokens;
  for (int64_t i = 0; i < count; ++i) tokens.push_back({extra_id_name(upwards ? i : count - 1 - i), true});
  return tokens;
}

/// `path`: the file of `config`, for errors.
int64_t count_extra_ids(const Json& config, int64_t by_default, const std::string& path) {
  int64_t listed = 0;  // a ByT5 directory that Hugging Face wrote says extra_ids 0 and lists them here
  for (const Json& token : config.value("additional_special_tokens", Json::array()))
    listed += starts_with(token_text(token), "<extra_id_");
  const Json given = config.value("extra_ids", Json());
  const Json count = listed > 0 ? Json(listed) : given.is_null() ? Json(by_default) : given;
  if (!count.is_number_integer() || count < 0 || count > kMostExtraIds)
    throw CheckpointError(path + ": extra_ids", count.dump(), "0 to " + std::to_string(kMostExtraIds));
  return count.get<int64_t>();
}

/// Added tokens by id, from added_tokens_decoder or the older added_tokens.json.
std::map<uint64_t, std::string> added_tokens(const Json& config, const std::string& folder) {
  std::map<uint64_t, std::string> tokens;
  const Json older = read_json(folder + "/added_tokens.json");
  for (const auto& [text, id] : older.items())
    if (id.is_number_unsigned()) tokens[id.get<uint64_t>()] = text;
  const Json decoder = config.value("added_tokens_decoder", Json::object());
  for (const auto& [id, token] : decoder.items())
    if (!id.empty() && id.size() < 10 && id.find_first_not_of("0123456789") == std::string::npos)
      tokens[std::stoull(id)] = token_text(token);
  return tokens;
}

}  // namespace

Tokenizer::Tokenizer(std::shared_ptr<const Implementation> implementation)
    : implementation_(std::move(implementation)) {}

Tokenizer Tokenizer::load(const std::string& path) {
  const bool is_folder = directory_exists(path);
  if (!is_folder && !file_exists(path))
    throw CheckpointError("no tokenizer at " + path, "", "a folder with spiece.model or a .model file");
  const std::string folder = is_folder ? path : fs::absolute(path).parent_path().string();
  const std::string model_file = is_folder ? path + "/spiece.model" : path;
  const std::string config_file = folder + "/tokenizer_config.json";
  const Json config = read_json(config_file);
  const std::string kind = token_text(config.value("tokenizer_class", Json("")));
  const bool bytes_only = is_folder && starts_with(kind, "ByT5Tokenizer");
  if (is_folder && !bytes_only && !file_exists(model_file))
    throw CheckpointError("no tokenizer in " + path, kind, "spiece.model, or tokenizer_config.json of a ByT5Tokenizer",
                          file_exists(path + "/tokenizer.json") ? "tokenizer.json alone is not read" : "");

  auto made = std::make_shared<Implementation>();
  if (!bytes_only) made->load_model(read_file(model_file), model_file);
  // As T5Tokenizer does with a bare model; other families of models have no extra ids.
  const bool like_t5 = bytes_only || (made->processor->pad_id() == 0 && made->processor->eos_id() == 1);
  const int64_t extra_by_default = bytes_only ? kByT5ExtraIds : like_t5 ? kT5ExtraIds : 0;
  made->later = extra_ids(count_extra_ids(config, extra_by_default, config_file), bytes_only);
  for (const auto& [id, text] : added_tokens(config, folder)) {
    const auto first = static_cast<uint64_t>(made->model_size());
    if (id < first) continue;
    const uint64_t index = id - first;
    if (index > made->later.size())
      throw CheckpointError("the added tokens of " + folder + " have a gap", "id " + std::to_string(id),
                            "ids up to " + std::to_string(first + made->later.size()));
    if (index >= kMostLaterTokens)
      throw CheckpointError(folder + " has too many added tokens", "", "at most " + std::to_string(kMostLaterTokens));
    if (index == made->later.size()) made->later.emplace_back();
    made->later[index] = {text, starts_with(text, "<extra_id_")};
  }
  for (size_t i = 0; i < made->later.size(); ++i) made->index_added(i);
  return Tokenizer(made);
}

Tokenizer Tokenizer::from_sentencepiece(const std::string& serialized_model) {
  auto made = std::make_shared<Implementation>();
  made->load_model(serialized_model, "in memory");
  return Tokenizer(made);
}

Tokenizer Tokenizer::bytes() {
  return Tokenizer(std::make_shared<Implementation>());
}

std::vector<int32_t> Tokenizer::encode(std::string_view text) const {
  return implementation_->encode(text);
}
std::string Tokenizer::decode(const std::vector<int32_t>& ids) const {
  return implementation_->decode(ids);
}
std::string Tokenizer::text_of(int32_t id) const {
  return decode({id, id}).substr(decode({id}).size());
}

bool Tokenizer::writes(const std::vector<int32_t>& ids, std::string_view text) const {
  return implementation_->writes(ids, text);
}

bool Tokenizer::round_trips(std::string_view text) const {
  return writes(encode(text), text);
}

int64_t Tokenizer::size() const {
  return implementation_->model_size() + static_cast<int64_t>(implementation_->later.size());
}
int32_t Tokenizer::pad_id() const {
  return implementation_->bytes_only() ? 0 : implementation_->processor->pad_id();
}
int32_t Tokenizer::eos_id() const {
  return implementation_->bytes_only() ? 1 : implementation_->processor->eos_id();
}
int32_t Tokenizer::unk_id() const {
  return implementation_->unk_id();
}

std::string Tokenizer::piece(int32_t id) const {
  const Implementation& self = *implementation_;
  if (id < 0 || id >= size()) return "<no_id_" + std::to_string(id) + ">";
  if (id >= self.model_size()) return self.later[static_cast<size_t>(id - self.model_size())].text;
  if (!self.bytes_only()) return self.processor->IdToPiece(id);
  if (id < kByteOffset) return std::array{"<pad>", "</s>", "<unk>"}[static_cast<size_t>(id)];
  const auto byte = static_cast<unsigned char>(id - kByteOffset);
  return byte > ' ' && byte < 0x7F ? std::string(1, static_cast<char>(byte)) : byte_piece(byte);
}

bool Tokenizer::writes_anything() const {
  return implementation_->bytes_only() || implementation_->byte_fallback;
}

int64_t Tokenizer::add_tokens(const std::vector<std::string>& texts) {
  if (writes_anything()) return 0;
  auto changed = std::make_shared<Implementation>(*implementation_);
  const size_t before = changed->later.size();
  for (const std::string& text : texts) {
    if (!changed->wants_token(text)) continue;
    if (changed->later.size() == kMostLaterTokens)
      throw DataError("too many tokens to add to the tokenizer", "", "at most " + std::to_string(kMostLaterTokens));
    changed->later.push_back({text, false});
    changed->index_added(changed->later.size() - 1);
  }
  implementation_ = changed;
  return static_cast<int64_t>(changed->later.size() - before);
}

std::vector<std::string> Tokenizer::unwritable_characters(const std::vector<std::string>& lines) const {
  std::set<std::string> found;  // the order of UTF-8 bytes is the order of code points
  if (writes_anything()) return {};
  std::set<std::string_view> seen;
  for (const std::string& line : lines)
    for (const std::string_view character : utf8_characters(line))
      if (seen.insert(character).second && implementation_->wants_token(std::string(character)))
        found.emplace(character);
  return {found.begin(), found.end()};
}

namespace {

std::string dump(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

/// Tokenizer files of an earlier tokenizer in the folder must not be read with the present one's.
void write_or_remove(const std::string& path, const std::optional<std::string>& content) {
  std::error_code error;
  if (content)
    write_file_atomically(path, *content);
  else if (fs::remove(path, error); error)
    throw DataError("cannot remove " + path + ": " + error.message());
}

}  // namespace

void Tokenizer::save(const std::string& directory) const {
  const Implementation& self = *implementation_;
  const Json special = {{"eos_token", piece(eos_id())}, {"pad_token", piece(pad_id())}, {"unk_token", piece(unk_id())}};
  std::vector<std::string> sentinels;
  Json decoder = Json::object();
  const auto describe = [&](int64_t id, bool is_special) {
    decoder[std::to_string(id)] = {{"content", piece(static_cast<int32_t>(id))},
                                   {"lstrip", false},
                                   {"normalized", false},
                                   {"rstrip", false},
                                   {"single_word", false},
                                   {"special", is_special}};
  };
  for (const int32_t id : {pad_id(), eos_id(), unk_id()}) describe(id, true);
  for (size_t i = 0; i < self.later.size(); ++i) {
    if (self.later[i].sentinel) sentinels.push_back(self.later[i].text);
    describe(self.model_size() + static_cast<int64_t>(i), self.later[i].sentinel);
  }
  if (!self.bytes_only()) std::reverse(sentinels.begin(), sentinels.end());

  Json config = {{"tokenizer_class", self.bytes_only() ? "ByT5Tokenizer" : "T5Tokenizer"},
                 {"extra_ids", sentinels.size()},
                 {"additional_special_tokens", sentinels},
                 {"added_tokens_decoder", decoder},
                 {"clean_up_tokenization_spaces", false},
                 {"model_max_length", 1000000000}};
  config.update(special);
  if (!self.bytes_only()) {
    // Legacy is what encodes as SentencePiece does, except that it puts a space after every added token.
    config["legacy"] = self.added.empty();
  }
  const bool trained_here = self.byte_fallback && !self.dummy_prefix && self.later.empty();
  using Content = std::optional<std::string>;
  make_directories(directory);
  write_or_remove(directory + "/spiece.model", self.bytes_only() ? std::nullopt : Content(self.model));
  write_or_remove(directory + "/tokenizer.json",
                  trained_here ? Content(fast_tokenizer_json(*self.processor)) : std::nullopt);
  write_or_remove(directory + "/added_tokens.json", std::nullopt);
  Json special_map = special;
  special_map["additional_special_tokens"] = sentinels;
  write_file_atomically(directory + "/special_tokens_map.json", dump(special_map));
  write_file_atomically(directory + "/tokenizer_config.json", dump(config));
}

uint64_t Tokenizer::fingerprint() const {
  constexpr uint64_t kEncodingVersion = 1;  // change it when encode gives other ids for the same files
  uint64_t hash = hash_bytes(implementation_->model, kEncodingVersion);
  for (const LaterToken& token : implementation_->later) hash = hash_bytes(token.text, hash + token.sentinel);
  return hash;
}

}  // namespace tvae
