#include "tvae/text/tokenizer.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <unordered_map>

#include "tvae/base/assert.h"
#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/utf8.h"
#include "tvae/text/byte_bpe.h"
#include "tvae/text/byte_model.h"
#include "tvae/text/fast_tokenizer.h"
#include "tvae/text/sentencepiece_model.h"
#include "tvae/text/tokenizer_files.h"
#include "tvae/text/tokenizer_model.h"
#include "tvae/text/word_piece.h"

namespace tvae {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::string_view kSpaceMark = "\u2581";  // how SentencePiece writes a space
constexpr int64_t kT5ExtraIds = 100;               // Hugging Face's defaults
constexpr int64_t kByT5ExtraIds = 125;
constexpr size_t kMostLaterTokens = kMostAddedPieces;
constexpr int64_t kMostExtraIds = (kMostAddedPieces + 1) / 2;

/// An id after those of the model.
struct LaterToken {
  std::string text;
  bool special = false;  // <extra_id_N> and the like: not written by decode
};

}  // namespace

struct Tokenizer::Implementation {
  std::shared_ptr<const TokenizerModel> model;
  TokenizerTraits traits;
  std::vector<LaterToken> later;
  std::set<int32_t> special;  // ids of the model that its files name as special: no text, but found in a text
  SpecialTokens names;        // of the tokens with a task
  int32_t pad = 0, eos = 0, unk = 0;
  std::vector<Written> written;  // by id
  // What encode looks for, filled by look_for().
  std::array<bool, 256> first_bytes{};                   // of added tokens
  std::unordered_map<std::string, int32_t> added;        // text -> id
  std::set<size_t, std::greater<size_t>> added_lengths;  // in bytes, longest first

  explicit Implementation(std::shared_ptr<const TokenizerModel> of);

  int64_t size() const { return model->size() + static_cast<int64_t>(later.size()); }
  std::optional<int32_t> find(const std::string& token) const;
  std::string piece(int32_t id) const;

  // In this order; the last one makes the rest of what was read.
  void take_extra_ids(const TokenizerFiles& files, int64_t by_default);
  void take_added_tokens(const AddedTokens& tokens, const std::string& folder);
  void take_special_tokens(const TokenizerFiles& files, const std::string& folder);
  void index_later(size_t i);
  void look_for(const std::string& text, int32_t id);

  std::vector<int32_t> encode(std::string_view text) const;
  std::vector<TextPart> split_at_added(std::string_view text) const;
  const std::pair<const std::string, int32_t>* added_at(std::string_view text) const;
  /// Calls append with what each id adds to the text, in order.
  template <typename Append>
  void write(const std::vector<int32_t>& ids, Append append) const;
  std::string decode(const std::vector<int32_t>& ids) const;
  bool writes(const std::vector<int32_t>& ids, std::string_view text) const;
  bool wants_token(const std::string& text) const;
};

Tokenizer::Implementation::Implementation(std::shared_ptr<const TokenizerModel> of)
    : model(std::move(of)), traits(model->traits()), names(model->special_tokens()) {
  for (int32_t id = 0; id < model->size(); ++id) written.push_back(model->written(id));
  if (traits.finds_special_tokens) return;  // take_special_tokens tells them
  pad = *model->find(names.at("pad_token"));
  eos = *model->find(names.at("eos_token"));
  unk = *model->find(names.at("unk_token"));
}

std::optional<int32_t> Tokenizer::Implementation::find(const std::string& token) const {
  if (const auto id = model->find(token)) return id;
  const auto found = std::ranges::find(later, token, &LaterToken::text);
  if (found == later.end()) return std::nullopt;
  return model->size() + static_cast<int32_t>(found - later.begin());
}

std::string Tokenizer::Implementation::piece(int32_t id) const {
  return id < model->size() ? model->piece(id) : later[static_cast<size_t>(id - model->size())].text;
}

void Tokenizer::Implementation::index_later(size_t i) {
  TVAE_ASSERT(i < kMostLaterTokens, "too many added tokens");
  const auto& [text, is_special] = later[i];
  written.push_back(is_special ? Written{"", "", true} : model->written_added(text));
  if (!is_special || traits.finds_special_tokens) look_for(text, model->size() + static_cast<int32_t>(i));
}

void Tokenizer::Implementation::look_for(const std::string& text, int32_t id) {
  if (text.empty() || !traits.finds_added_tokens) return;
  added.emplace(text, id);
  added_lengths.insert(text.size());
  // Beside added tokens SentencePieceModel takes private characters for unknown; these are their first bytes.
  for (const char first : {text.front(), '\xF3', '\xF4'}) first_bytes[static_cast<unsigned char>(first)] = true;
}

std::vector<int32_t> Tokenizer::Implementation::encode(std::string_view text) const {
  std::vector<int32_t> ids;
  const auto may_begin = [this](char c) { return first_bytes[static_cast<unsigned char>(c)]; };
  if (std::ranges::any_of(text, may_begin))
    model->encode_parts(split_at_added(text), ids);
  else
    model->encode(text, ids);
  return ids;
}

std::vector<TextPart> Tokenizer::Implementation::split_at_added(std::string_view text) const {
  std::vector<TextPart> parts;
  size_t start = 0;
  const auto end_text = [&](size_t end) {
    if (end > start) parts.push_back({text.substr(start, end - start)});
  };
  for (size_t i = 0; i < text.size();) {
    const auto* found = first_bytes[static_cast<unsigned char>(text[i])] ? added_at(text.substr(i)) : nullptr;
    if (found == nullptr) {
      ++i;
      continue;
    }
    end_text(i);
    parts.push_back({text.substr(i, found->first.size()), found->second});
    start = i += found->first.size();
  }
  end_text(text.size());
  return parts;
}

/// The longest added token that the text starts with.
const std::pair<const std::string, int32_t>* Tokenizer::Implementation::added_at(std::string_view text) const {
  for (const size_t length : added_lengths) {
    if (length > text.size()) continue;
    const auto found = added.find(std::string(text.substr(0, length)));
    if (found != added.end()) return &*found;
  }
  return nullptr;
}

template <typename Append>
void Tokenizer::Implementation::write(const std::vector<int32_t>& ids, Append append) const {
  bool at_start = true;
  for (const int32_t id : ids) {
    const auto index = static_cast<size_t>(id);
    if (id < 0 || index >= written.size() || written[index].skipped) continue;
    append(std::string_view(at_start ? written[index].first : written[index].text));
    at_start = false;
  }
}

std::string Tokenizer::Implementation::decode(const std::vector<int32_t>& ids) const {
  std::string text;
  write(ids, [&text](std::string_view part) { text += part; });
  return traits.keeps_text ? text : model->tidied(text);
}

bool Tokenizer::Implementation::writes(const std::vector<int32_t>& ids, std::string_view text) const {
  if (!traits.keeps_text) return decode(ids) == text;
  bool same = true;
  write(ids, [&](std::string_view part) {
    same = same && text.starts_with(part);
    if (same) text.remove_prefix(part.size());
  });
  return same && text.empty();
}

/// Whether a text comes back changed from the middle of a line, and an added token would help. One with SentencePiece's
/// space mark would not: Hugging Face would find it in every space. Where spaces and case are lost anyway, only what
/// has no piece wants a token.
bool Tokenizer::Implementation::wants_token(const std::string& text) const {
  if (text.empty() || !is_valid_utf8(text) || text.find(kSpaceMark) != std::string::npos) return false;
  if (!traits.keeps_text) return !find(text) && std::ranges::count(encode(text), unk) > 0;
  const std::string line = "a" + text + "a";
  return !writes(encode(line), line);
}

// ---- Reading

void Tokenizer::Implementation::take_extra_ids(const TokenizerFiles& files, int64_t by_default) {
  // A ByT5 directory that Hugging Face wrote says extra_ids 0 and lists them here.
  const int64_t listed = std::ranges::count_if(files.additional, is_extra_id);
  const Json given = files.config.value("extra_ids", Json());
  const Json count = listed > 0 ? Json(listed) : given.is_null() ? Json(by_default) : given;
  if (!count.is_number_integer() || count < 0 || count > kMostExtraIds)
    throw CheckpointError(files.config_file + ": extra_ids", count.dump(), "0 to " + std::to_string(kMostExtraIds));
  const auto number = count.get<int64_t>();
  const bool upwards = traits.tokenizer_class == "ByT5Tokenizer";  // T5 counts its extra ids down
  for (int64_t i = 0; i < number; ++i) later.push_back({extra_id_name(upwards ? i : number - 1 - i), true});
}

/// Of models that do not find special tokens, those within the vocabulary are the model's own.
void Tokenizer::Implementation::take_added_tokens(const AddedTokens& tokens, const std::string& folder) {
  const auto first = static_cast<uint64_t>(model->size());
  for (const auto& [id, token] : tokens) {
    const std::string name = "the added token \"" + token.text + "\" of " + folder;
    if (traits.finds_special_tokens && (token.has_rules || (token.normalized && !traits.keeps_text)))
      throw CheckpointError(name + " cannot be used", token.has_rules ? "lstrip, rstrip or single_word" : "normalized",
                            "a token that is found wherever it is written");
    // Hugging Face gives such a token the piece's id, and the ids after it one less.
    if (const auto piece = model->find(token.text); traits.finds_special_tokens && piece && *piece != int64_t(id))
      throw CheckpointError(name, "id " + std::to_string(id),
                            std::to_string(*piece) + ", the id that the vocabulary has for it");
    if (id >= first) {
      const uint64_t index = id - first;
      if (index > later.size())
        throw CheckpointError("the added tokens of " + folder + " have a gap", "id " + std::to_string(id),
                              "ids up to " + std::to_string(first + later.size()));
      if (index >= kMostLaterTokens)
        throw CheckpointError(folder + " has too many added tokens", "", "at most " + std::to_string(kMostLaterTokens));
      if (index == later.size()) later.emplace_back();
      later[index] = {token.text, is_extra_id(token.text) || (token.special && traits.finds_special_tokens)};
    } else if (traits.finds_special_tokens) {
      const auto known = static_cast<int32_t>(id);
      if (model->piece(known) != token.text)
        throw CheckpointError(name, "id " + std::to_string(id) + ", which is \"" + model->piece(known) + "\"",
                              "an id of its own");
      look_for(token.text, known);
      if (token.special) special.insert(known);
    }
  }
}

void Tokenizer::Implementation::take_special_tokens(const TokenizerFiles& files, const std::string& folder) {
  for (const auto& [name, token] : files.special) names[name] = token;
  if (!files.special.contains("eos_token") && names.contains("sep_token")) names["eos_token"] = names["sep_token"];
  names.emplace("pad_token", names.at("eos_token"));
  const auto mark = [&](const std::string& name, const std::string& token) {
    const auto id = find(token);
    if (!id)
      throw CheckpointError("the tokenizer " + folder + " cannot be used: its " + name + " \"" + token + "\" has no id",
                            "", "a token of the vocabulary or an added one",
                            "tokenizer_config.json can name another " + name);
    if (*id < model->size()) {
      special.insert(*id);
      look_for(token, *id);
    } else {
      later[static_cast<size_t>(*id - model->size())].special = true;
    }
  };
  for (const auto& [name, token] : std::map(names)) {
    const bool needed = name == "pad_token" || name == "eos_token" || name == "unk_token";
    if (needed || files.special.contains(name) || find(token))
      mark(name, token);
    else
      names.erase(name);  // a default that this vocabulary does without
  }
  for (const std::string& token : files.additional) mark("additional_special_tokens", token);
  pad = *find(names.at("pad_token"));
  eos = *find(names.at("eos_token"));
  unk = *find(names.at("unk_token"));
  // The unknown id is shown, so that a text does not end up shorter unnoticed, unless it is another one's too.
  for (const int32_t id : special)
    if (id != unk || unk == eos || unk == pad) written[static_cast<size_t>(id)] = {"", "", true};
}

namespace {

/// Settings of tokenizer_config.json that change ids in a way that is not done here.
void require_honoured(const TokenizerFiles& files, const TokenizerTraits& traits) {
  if (!traits.finds_special_tokens) return;
  const std::vector<std::pair<const char*, Json>> settings = {{"add_prefix_space", false},
                                                              {"do_basic_tokenize", true},
                                                              {"split_special_tokens", false},
                                                              {"never_split", Json()}};
  for (const auto& [key, honoured] : settings)
    if (const Json value = files.config.value(key, honoured); value != honoured && !value.is_null())
      throw CheckpointError(files.config_file + ": " + key, value.dump(-1, ' ', true, Json::error_handler_t::replace),
                            honoured.dump());
}

/// Other classes split a text in other ways by files of the same names.
void require_class(const TokenizerFiles& files, const std::string& folder, const std::vector<std::string>& classes) {
  const bool is_known = std::ranges::find(classes, files.tokenizer_class) != classes.end();
  if (!is_known && !files.tokenizer_class.empty() && files.tokenizer_class != "PreTrainedTokenizer")
    throw CheckpointError("the tokenizer in " + folder + " cannot be read: its class", files.tokenizer_class,
                          classes.front());
}

std::shared_ptr<const TokenizerModel> read_word_piece(const std::string& file, const TokenizerFiles& files) {
  std::vector<std::string> pieces = WordPiece::read_pieces(file);
  WordPieceOptions options{.do_lower_case = !WordPiece::is_cased(pieces)};
  if (const auto unknown = files.special.find("unk_token"); unknown != files.special.end())
    options.unk_token = unknown->second;
  return std::make_shared<const WordPiece>(std::move(pieces), completed(options, std::nullopt, files.config), file);
}

}  // namespace

Tokenizer::Tokenizer(std::shared_ptr<const Implementation> implementation)
    : implementation_(std::move(implementation)) {}

Tokenizer Tokenizer::load(const std::string& path) {
  const bool is_folder = directory_exists(path);
  if (!is_folder && !file_exists(path))
    throw CheckpointError("no tokenizer at " + path, "", "a folder with a tokenizer or a .model file");
  const std::string folder = is_folder ? path : fs::absolute(path).parent_path().string();
  const auto has = [&](const char* name) { return file_exists(folder + "/" + name); };
  const TokenizerFiles files = read_tokenizer_files(folder);
  AddedTokens added = files.added;

  std::shared_ptr<const TokenizerModel> model;
  std::optional<int64_t> extra_ids;  // by default
  if (is_folder && files.tokenizer_class == "ByT5Tokenizer") {
    model = std::make_shared<const ByteModel>();
    extra_ids = kByT5ExtraIds;
  } else if (!is_folder || has("spiece.model")) {
    const std::string file = is_folder ? path + "/spiece.model" : path;
    const auto pieces = std::make_shared<const SentencePieceModel>(read_file(file), file);
    // As T5Tokenizer does with a bare model; other families of models have no extra ids.
    extra_ids = pieces->processor().pad_id() == 0 && pieces->processor().eos_id() == 1 ? kT5ExtraIds : 0;
    model = pieces;
  } else if (has("tokenizer.json")) {
    FastTokenizer fast = read_fast_tokenizer(folder + "/tokenizer.json", files);
    model = fast.model;
    added.merge(fast.added);
    if (!model->traits().finds_special_tokens) extra_ids = 0;  // it lists them
  } else if (has("vocab.json") && has("merges.txt")) {
    require_class(files, folder, {"GPT2Tokenizer"});
    model = ByteBpe::read(folder + "/vocab.json", folder + "/merges.txt");
  } else if (has("vocab.txt")) {
    require_class(files, folder, {"BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer"});
    model = read_word_piece(folder + "/vocab.txt", files);
  } else {
    throw CheckpointError(
        "no tokenizer in " + path, files.tokenizer_class,
        "spiece.model, tokenizer.json, vocab.json with merges.txt, vocab.txt, or tokenizer_config.json "
        "of a ByT5Tokenizer");
  }

  auto made = std::make_shared<Implementation>(model);
  require_honoured(files, made->traits);
  if (extra_ids) made->take_extra_ids(files, *extra_ids);
  made->take_added_tokens(added, folder);
  if (made->traits.finds_special_tokens) made->take_special_tokens(files, folder);
  for (size_t i = 0; i < made->later.size(); ++i) made->index_later(i);
  return Tokenizer(made);
}

Tokenizer Tokenizer::from_sentencepiece(const std::string& serialized_model) {
  return Tokenizer(
      std::make_shared<Implementation>(std::make_shared<const SentencePieceModel>(serialized_model, "in memory")));
}

Tokenizer Tokenizer::bytes() {
  return Tokenizer(std::make_shared<Implementation>(std::make_shared<const ByteModel>()));
}

std::vector<int32_t> Tokenizer::encode(std::string_view text) const {
  return implementation_->encode(text);
}
std::string Tokenizer::decode(const std::vector<int32_t>& ids) const {
  return implementation_->decode(ids);
}
std::string Tokenizer::text_of(int32_t id) const {
  const std::string once = decode({id}), twice = decode({id, id});
  return twice.substr(std::min(once.size(), twice.size()));  // what is tidied can be shorter
}

bool Tokenizer::writes(const std::vector<int32_t>& ids, std::string_view text) const {
  return implementation_->writes(ids, text);
}

bool Tokenizer::round_trips(std::string_view text) const {
  return writes(encode(text), text);
}

int64_t Tokenizer::size() const {
  return implementation_->size();
}
int32_t Tokenizer::pad_id() const {
  return implementation_->pad;
}
int32_t Tokenizer::eos_id() const {
  return implementation_->eos;
}
int32_t Tokenizer::unk_id() const {
  return implementation_->unk;
}

std::string Tokenizer::piece(int32_t id) const {
  if (id < 0 || id >= size()) return "<no_id_" + std::to_string(id) + ">";
  return implementation_->piece(id);
}

bool Tokenizer::writes_anything() const {
  return implementation_->traits.writes_anything;
}

int64_t Tokenizer::add_tokens(const std::vector<std::string>& texts) {
  if (writes_anything()) return 0;
  auto changed = std::make_shared<Implementation>(*implementation_);
  const size_t before = changed->later.size();
  for (const std::string& text : texts) {
    if (!changed->wants_token(text)) continue;
    if (changed->later.size() == kMostLaterTokens)
      throw DataError("too many tokens to add to the tokenizer", "", "at most " + std::to_string(kMostLaterTokens));
    changed->later.push_back({text});
    changed->index_later(changed->later.size() - 1);
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

void remove_file(const std::string& path) {
  std::error_code error;
  if (fs::remove(path, error); error) throw DataError("cannot remove " + path + ": " + error.message());
}

}  // namespace

void Tokenizer::save(const std::string& directory) const {
  const Implementation& self = *implementation_;
  const bool names_special = self.traits.finds_special_tokens;
  Json special = {{"eos_token", piece(eos_id())}, {"pad_token", piece(pad_id())}, {"unk_token", piece(unk_id())}};
  for (const auto& [name, token] : self.names)
    if (name != "eos_token" && name != "pad_token" && name != "unk_token") special[name] = token;

  std::set<int32_t> special_ids = self.special;
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
  for (const auto& [text, id] : std::map(self.added.begin(), self.added.end()))
    if (id < self.model->size()) describe(id, self.special.contains(id));
  bool adds = false;  // other tokens than extra ids
  for (size_t i = 0; i < self.later.size(); ++i) {
    const auto id = static_cast<int32_t>(self.model->size() + static_cast<int64_t>(i));
    if (self.later[i].special) special_ids.insert(id);
    adds = adds || (!self.later[i].special && !self.later[i].text.empty());
    describe(id, self.later[i].special);
  }
  std::vector<std::string> additional;
  for (const int32_t id : special_ids) {
    const std::string token = piece(id);
    const auto is_token = [&token](const Json& named) { return named == token; };
    if (std::ranges::none_of(special, is_token)) additional.push_back(token);
  }
  if (self.traits.tokenizer_class == "T5Tokenizer") std::ranges::reverse(additional);

  Json config = {{"tokenizer_class", self.traits.tokenizer_class}, {"extra_ids", additional.size()},
                 {"additional_special_tokens", additional},        {"added_tokens_decoder", decoder},
                 {"clean_up_tokenization_spaces", false},          {"model_max_length", 1000000000}};
  if (names_special) config.erase("extra_ids");
  config.update(special);
  self.model->describe(config, adds);

  make_directories(directory);
  std::map<std::string, std::string> files = self.model->files(/*bare=*/self.later.empty());
  Json special_map = special;
  special_map["additional_special_tokens"] = additional;
  files["special_tokens_map.json"] = dump(special_map);
  files["tokenizer_config.json"] = dump(config);
  // Those of an earlier tokenizer in the folder must not be read with the present one's.
  for (const char* name :
       {"spiece.model", "tokenizer.json", "added_tokens.json", "vocab.json", "merges.txt", "vocab.txt"})
    if (!files.contains(name)) remove_file(directory + "/" + name);
  for (const auto& [name, content] : files) write_file_atomically(directory + "/" + name, content);
}

uint64_t Tokenizer::fingerprint() const {
  constexpr uint64_t kEncodingVersion = 1;  // change it when encode gives other ids for the same files
  const Implementation& self = *implementation_;
  uint64_t hash = hash_bytes(self.model->identity(), kEncodingVersion);
  for (const LaterToken& token : self.later) hash = hash_bytes(token.text, hash + token.special);
  if (!self.traits.finds_special_tokens) return hash;
  std::string found = std::to_string(pad_id()) + " " + std::to_string(eos_id()) + " " + std::to_string(unk_id());
  for (const auto& [text, id] : std::map(self.added.begin(), self.added.end()))
    found += "\n" + std::to_string(id) + " " + text;
  return hash_bytes(found, hash);
}

}  // namespace tvae
