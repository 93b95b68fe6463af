#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "tvae/base/error.h"
#include "tvae/base/strings.h"
#include "tvae/text/byte_bpe.h"
#include "tvae/text/byte_model.h"
#include "tvae/text/fast_tokenizer.h"
#include "tvae/text/sentencepiece_model.h"
#include "tvae/text/sentencepiece_proto.h"
#include "tvae/text/word_piece.h"

namespace tvae {
namespace {

using Json = nlohmann::json;
using Merges = std::vector<std::pair<std::string, std::string>>;

const std::string kSpaceMark = "\u2581";

Json at(const Json& object, const std::string& key) {
  return object.is_object() && object.contains(key) ? object[key] : Json();
}

/// What there is, in a few words.
std::string shown(const Json& part) {
  constexpr size_t kMost = 60;
  if (!part.is_object() || !part.contains("type")) {
    const std::string text = part.dump(-1, ' ', true, Json::error_handler_t::replace);
    return text.size() > kMost ? text.substr(0, kMost) + "..." : text;
  }
  std::vector<std::string> parts;
  for (const char* list : {"normalizers", "pretokenizers", "decoders"})
    for (const Json& one : at(part, list)) parts.push_back(shown(one));
  const Json type = part["type"];
  return (type.is_string() ? type.get<std::string>() : type.dump()) + (parts.empty() ? "" : " of " + join(parts, ", "));
}

/// RFC 4648, with or without padding; nullopt for what is none.
std::optional<std::string> from_base64(std::string_view text) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  while (text.ends_with('=')) text.remove_suffix(1);
  if (text.size() % 4 == 1) return std::nullopt;
  std::string bytes;
  uint32_t bits = 0;
  int known = 0;  // of the lowest bits, those that are in no byte yet
  for (const char c : text) {
    const size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(digit);
    known += 6;
    if (known < 8) continue;
    known -= 8;
    bytes += static_cast<char>(bits >> known & 0xFF);
  }
  return bytes;
}

class Reader {
 public:
  Reader(const std::string& path, const TokenizerFiles& files)
      : path_(path), files_(files), json_(read_large_json_file(path)), model_(at(json_, "model")) {}

  FastTokenizer read() {
    for (const Json& token : at(json_, "added_tokens"))
      if (const Json id = at(token, "id"); id.is_number_unsigned()) added_[id.get<uint64_t>()] = added_token(token);
    const std::string type = model_type();
    std::shared_ptr<const TokenizerModel> model;
    if (type == "Unigram")
      model = unigram();
    else if (type == "WordPiece")
      model = word_piece();
    else if (type == "BPE")
      model = at(model_, "byte_fallback") == Json(true) ? sentencepiece_bpe() : byte_bpe();
    else
      refuse("model", shown(model_), "Unigram, BPE or WordPiece");
    return {model, added_};
  }

 private:
  [[noreturn]] void refuse(const std::string& part, const std::string& got, const std::string& expected) const {
    throw CheckpointError(path_ + ": the " + part, got, expected);
  }
  /// Where `object` has something else under a key than what is honoured.
  void require(const Json& object, const std::string& part, const std::string& key,
               const std::vector<Json>& honoured) const {
    const Json value = at(object, key);
    if (std::ranges::find(honoured, value) == honoured.end())
      refuse(part + "'s " + key, shown(value), honoured.front().dump());
  }
  void require_type(const std::string& part, const std::vector<std::string>& honoured) const {
    const std::string got = shown(at(json_, part));
    if (std::ranges::find(honoured, got) == honoured.end()) refuse(part, got, join(honoured, " or "));
  }

  /// Older files do not name it.
  std::string model_type() const {
    const Json type = at(model_, "type");
    if (type.is_string()) return type.get<std::string>();
    return at(model_, "vocab").is_array() ? "Unigram" : model_.contains("merges") ? "BPE" : "WordPiece";
  }

  std::vector<std::string> pieces() const { return pieces_of(model_.at("vocab"), path_); }

  /// Pairs, or in older files two pieces with a space between them.
  Merges merges() const {
    Merges merges;
    for (const Json& merge : model_.at("merges")) {
      const std::vector<std::string> parts =
          merge.is_string() ? split(merge.get<std::string>(), ' ') : merge.get<std::vector<std::string>>();
      if (parts.size() != 2) refuse("merge", shown(merge), "two pieces");
      merges.emplace_back(parts[0], parts[1]);
    }
    return merges;
  }

  std::shared_ptr<const TokenizerModel> byte_bpe() const {
    const Json before = at(json_, "pre_tokenizer");
    require_type("normalizer", {"null"});
    require_type("pre_tokenizer", {"ByteLevel"});
    require(before, "pre_tokenizer", "add_prefix_space", {false});
    require(before, "pre_tokenizer", "use_regex", {true, Json()});
    require_type("decoder", {"ByteLevel"});
    for (const char* affix : {"continuing_subword_prefix", "end_of_word_suffix"})
      require(model_, "model", affix, {Json(), ""});
    require(model_, "model", "dropout", {Json()});
    require(model_, "model", "ignore_merges", {false, Json()});
    return std::make_shared<const ByteBpe>(pieces(), merges(), path_);
  }

  std::shared_ptr<const TokenizerModel> word_piece() const {
    const Json normalizer = at(json_, "normalizer");
    require_type("normalizer", {"BertNormalizer"});
    require(normalizer, "normalizer", "clean_text", {true});
    require_type("pre_tokenizer", {"BertPreTokenizer"});
    require_type("decoder", {"WordPiece"});
    require(at(json_, "decoder"), "decoder", "cleanup", {true, Json()});
    require(model_, "model", "continuing_subword_prefix", {"##"});
    require(model_, "model", "max_input_chars_per_word", {100});
    WordPieceOptions options;
    options.unk_token = model_.at("unk_token").get<std::string>();
    options.do_lower_case = normalizer.at("lowercase").get<bool>();
    options.tokenize_chinese_chars = normalizer.at("handle_chinese_chars").get<bool>();
    std::optional<bool> strip_accents;
    if (const Json strip = at(normalizer, "strip_accents"); !strip.is_null()) strip_accents = strip.get<bool>();
    return std::make_shared<const WordPiece>(pieces(), completed(options, strip_accents, files_.config), path_);
  }

  /// The pieces that are trained here: a BPE model's, of which SentencePiece does the same merges. It joins what gives
  /// the piece of the highest score.
  std::shared_ptr<const TokenizerModel> sentencepiece_bpe() const {
    require_type("normalizer", {"Replace"});
    require(at(json_, "normalizer"), "normalizer", "pattern", {{{"String", " "}}});
    require(at(json_, "normalizer"), "normalizer", "content", {kSpaceMark});
    require_type("pre_tokenizer", {"null"});
    const std::vector<std::string> names = pieces();
    const Merges given = merges();
    std::map<std::string, float> scores;
    for (const auto& [left, right] : given) scores.emplace(left + right, -static_cast<float>(scores.size()));
    SentencePieceProto proto;
    proto.model_type = given.empty() ? SentencePieceProto::ModelType::kChar : SentencePieceProto::ModelType::kBpe;
    proto.byte_fallback = true;
    proto.unk_piece = model_.at("unk_token").get<std::string>();
    for (const std::string& piece : names) {
      const auto score = scores.find(piece);
      proto.pieces.push_back({piece, score != scores.end() ? score->second : -static_cast<float>(scores.size())});
    }
    take_as_it_is(proto);
    const auto model = finished(proto);
    if (Json::parse(fast_tokenizer_json(model->processor()))["model"]["merges"] != Json(given))
      refuse("model's merges", "an order of its own", "that of SentencePiece");
    return model;
  }

  std::shared_ptr<const TokenizerModel> unigram() {
    SentencePieceProto proto;
    for (const Json& piece : model_.at("vocab"))
      proto.pieces.push_back({piece.at(0).get<std::string>(), piece.at(1).get<float>()});
    while (!proto.pieces.empty() && is_extra_id(proto.pieces.back().piece)) {  // they come after the model's ids
      const AddedToken extra{.text = proto.pieces.back().piece, .special = true};
      proto.pieces.pop_back();
      added_.emplace(proto.pieces.size(), extra);
    }
    proto.byte_fallback = at(model_, "byte_fallback") == Json(true);
    const auto unknown = model_.at("unk_id").get<size_t>();
    if (unknown >= proto.pieces.size()) refuse("model's unk_id", std::to_string(unknown), "an id of one of its pieces");
    proto.unk_piece = proto.pieces[unknown].piece;
    if (shown(at(json_, "normalizer")) == "Replace") {
      require(at(json_, "normalizer"), "normalizer", "pattern", {{{"String", " "}}});
      require(at(json_, "normalizer"), "normalizer", "content", {kSpaceMark});
      require_type("pre_tokenizer", {"null"});
      take_as_it_is(proto);
    } else {
      normalise(proto);
    }
    return finished(proto);
  }

  /// Nothing is normalised.
  static void take_as_it_is(SentencePieceProto& proto) {
    proto.add_dummy_prefix = proto.remove_extra_whitespaces = false;
  }

  /// As T5: characters by the map, spaces at the ends and repeated ones removed, a space before the text.
  void normalise(SentencePieceProto& proto) const {
    Json map = at(json_, "normalizer"), space = at(json_, "pre_tokenizer");
    require_type("normalizer", {"Precompiled", "Sequence of Precompiled, Strip, Replace"});
    require_type("pre_tokenizer", {"Metaspace", "Sequence of WhitespaceSplit, Metaspace"});
    const bool by_sequence = map["type"] == "Sequence";
    if (by_sequence) {
      const Json strip = map["normalizers"].at(1), replace = map["normalizers"].at(2);
      require(strip, "normalizer", "strip_left", {false});
      require(strip, "normalizer", "strip_right", {true});
      require(replace, "normalizer", "pattern", {{{"Regex", " {2,}"}}});
      require(replace, "normalizer", "content", {kSpaceMark});
      map = map["normalizers"].at(0);
    }
    if (space["type"] == "Sequence")
      space = space["pretokenizers"].at(1);
    else if (!by_sequence)  // then nothing removes spaces
      refuse("pre_tokenizer", "Metaspace", "WhitespaceSplit before it");
    require(space, "pre_tokenizer", "replacement", {kSpaceMark});
    if (space.contains("prepend_scheme"))
      require(space, "pre_tokenizer", "prepend_scheme", {"always", "first"});
    else
      require(space, "pre_tokenizer", "add_prefix_space", {true});
    const auto bytes = from_base64(map.at("precompiled_charsmap").get<std::string>());
    if (!bytes) refuse("precompiled_charsmap", "no base64", "base64");
    proto.precompiled_charsmap = *bytes;
  }

  std::string special(const std::string& name, const std::string& by_default) const {
    const auto found = files_.special.find(name);
    return found == files_.special.end() ? by_default : found->second;
  }

  std::shared_ptr<const SentencePieceModel> finished(SentencePieceProto& proto) const {
    using Type = SentencePieceProto::PieceType;
    proto.pad_piece = special("pad_token", "<pad>");
    proto.eos_piece = special("eos_token", "</s>");
    for (size_t id = 0; id < proto.pieces.size(); ++id) {
      SentencePieceProto::Piece& piece = proto.pieces[id];
      const auto added = added_.find(id);
      if (piece.piece == proto.unk_piece)
        piece.type = Type::kUnknown;
      else if (piece.piece == proto.pad_piece || piece.piece == proto.eos_piece || added != added_.end())
        piece.type = Type::kControl;
      else if (proto.byte_fallback && is_byte_piece(piece.piece))
        piece.type = Type::kByte;
      if (added != added_.end() && (added->second.text != piece.piece || !added->second.special))
        refuse("added token \"" + added->second.text + "\"", "the id of the piece \"" + piece.piece + "\"",
               "a special token, or an id after the pieces");
    }
    return std::make_shared<const SentencePieceModel>(proto.serialized(), path_);
  }

  static bool is_byte_piece(const std::string& piece) {
    for (int byte = 0; byte < 256; ++byte)
      if (piece == byte_piece(static_cast<unsigned char>(byte))) return true;
    return false;
  }

  std::string path_;
  const TokenizerFiles& files_;
  Json json_;
  Json model_;
  AddedTokens added_;
};

}  // namespace

FastTokenizer read_fast_tokenizer(const std::string& path, const TokenizerFiles& files) {
  try {
    return Reader(path, files).read();
  } catch (const nlohmann::json::exception& error) {  // a type or a key that is not as every tokenizer.json has it
    throw CheckpointError("damaged tokenizer " + path, error.what(), "a tokenizer.json");
  }
}

}  // namespace tvae
