#include "tvae/text/byte_bpe.h"

#include <algorithm>
#include <mutex>
#include <nlohmann/json.hpp>
#include <queue>

#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/strings.h"
#include "tvae/text/unicode.h"

namespace tvae {
namespace {

constexpr const char* kEndOfText = "<|endoftext|>";
constexpr const char* kMergesHeader = "#version: 0.2";

/// The character that stands for each byte in vocab.json: printable ones of Latin-1 for themselves, the others, in
/// order, from U+0100 on.
std::array<int32_t, 256> make_byte_characters() {
  std::array<int32_t, 256> characters{};
  int32_t next = 0x100;
  for (int32_t byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
    characters[static_cast<size_t>(byte)] = printable ? byte : next++;
  }
  return characters;
}
const std::array<int32_t, 256> kByteCharacters = make_byte_characters();

/// The bytes that a piece stands for. One with another character, such as an added token, stands for itself.
std::string bytes_of(const std::string& piece) {
  static const std::unordered_map<int32_t, char> bytes = [] {
    std::unordered_map<int32_t, char> made;
    for (size_t byte = 0; byte < kByteCharacters.size(); ++byte) made[kByteCharacters[byte]] = static_cast<char>(byte);
    return made;
  }();
  std::string text;
  for (std::string_view rest = piece; !rest.empty();) {
    const Character character = first_character(rest);
    const auto found = bytes.find(character.point);
    if (found == bytes.end()) return piece;
    text += found->second;
    rest.remove_prefix(character.length);
  }
  return text;
}

enum class Kind : uint8_t { kLetter, kNumber, kSpace, kOther };

Kind kind_of(Character character) {
  static const std::array<Kind, 128> ascii = [] {
    std::array<Kind, 128> kinds{};
    for (int32_t c = 0; c < 128; ++c)
      kinds[static_cast<size_t>(c)] = is_letter(c)        ? Kind::kLetter
                                      : is_number(c)      ? Kind::kNumber
                                      : is_white_space(c) ? Kind::kSpace
                                                          : Kind::kOther;
    return kinds;
  }();
  if (character.point < 128) return ascii[static_cast<size_t>(character.point)];
  if (is_letter(character.point)) return Kind::kLetter;
  if (is_number(character.point)) return Kind::kNumber;
  return is_white_space(character.point) ? Kind::kSpace : Kind::kOther;
}

/// How many bytes of `text`, from `start`, are of one kind.
size_t run_length(std::string_view text, size_t start, Kind kind) {
  size_t end = start;
  while (end < text.size()) {
    const Character character = first_character(text.substr(end));
    if (kind_of(character) != kind) break;
    end += character.length;
  }
  return end - start;
}

/// The length of the word that a text begins with, by GPT-2's pattern:
/// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
size_t word_length(std::string_view text) {
  if (text.front() == '\'')
    for (const std::string_view ending : {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"})
      if (text.starts_with(ending)) return ending.size();
  const size_t blank = text.front() == ' ' ? 1 : 0;
  if (blank < text.size()) {
    const Kind kind = kind_of(first_character(text.substr(blank)));
    if (kind != Kind::kSpace) return blank + run_length(text, blank, kind);
  }
  // Of several spaces before a word the last is left for it.
  size_t end = 0, last = 0;
  while (end < text.size()) {
    const Character character = first_character(text.substr(end));
    if (kind_of(character) != Kind::kSpace) return last > 0 ? last : end;
    last = end;
    end += character.length;
  }
  return end;
}

uint64_t key_of(int32_t left, int32_t right) {
  return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
}

}  // namespace

/// The ids of words that were met, for all threads. A part forgets its words when it is full.
class ByteBpe::WordCache {
 public:
  static constexpr size_t kLongestWord = 64;  // longer ones are rarely met again

  /// Appends the ids of a word where they are known.
  bool append(std::string_view word, std::vector<int32_t>& ids) {
    Part& part = part_of(word);
    const std::lock_guard lock(part.mutex);
    const auto found = part.words.find(word);
    if (found == part.words.end()) return false;
    ids.insert(ids.end(), found->second.begin(), found->second.end());
    return true;
  }

  void remember(std::string_view word, const std::vector<int32_t>& ids) {
    Part& part = part_of(word);
    const std::lock_guard lock(part.mutex);
    if (part.words.size() >= kMostWords) part.words.clear();
    part.words.emplace(word, ids);
  }

 private:
  static constexpr size_t kParts = 64;         // so that threads seldom wait for one another
  static constexpr size_t kMostWords = 2'048;  // in a part: 131,072 words, about 20 MB

  struct Part {
    std::mutex mutex;
    TextMap<std::vector<int32_t>> words;
  };
  // The table of a part uses the same hash, by its lower bits.
  Part& part_of(std::string_view word) { return parts_[TextHash()(word) >> 58]; }

  std::array<Part, kParts> parts_;
};

ByteBpe::~ByteBpe() = default;

ByteBpe::ByteBpe(std::vector<std::string> pieces, const Merges& merges, const std::string& path)
    : pieces_(std::move(pieces)), ids_(ids_of(pieces_, path)), cache_(std::make_unique<WordCache>()) {
  for (size_t byte = 0; byte < byte_ids_.size(); ++byte) {
    std::string character;
    append_character(character, kByteCharacters[byte]);
    const auto found = ids_.find(character);
    if (found == ids_.end())
      throw CheckpointError(path + " has no piece for the byte " + std::to_string(byte), "",
                            "\"" + character + "\", and a piece for each of the 256 bytes",
                            "train it with the whole byte alphabet");
    byte_ids_[byte] = found->second;
  }
  for (const auto& [left, right] : merges) {
    const std::string name = "\"" + left + " " + right + "\"";
    for (const std::string& part : {left, right, left + right})
      if (!ids_.contains(part))
        throw CheckpointError("the merge " + name + " of " + path + " cannot be done", "",
                              "a piece \"" + part + "\" in the vocabulary");
    const int32_t a = ids_.at(left), b = ids_.at(right);
    const Merge merge{static_cast<int32_t>(pairs_.size()), ids_.at(left + right)};
    if (!merges_.emplace(key_of(a, b), merge).second)
      throw CheckpointError(path + " has the merge " + name + " twice", "", "each merge once");
    pairs_.emplace_back(a, b);
  }
}

std::shared_ptr<const ByteBpe> ByteBpe::read(const std::string& vocab_file, const std::string& merges_file) {
  std::vector<std::string> lines = split(read_file(merges_file), '\n');
  // One reader of Hugging Face drops the first line whatever it is, another one only this.
  if (!lines.front().starts_with("#version"))
    throw CheckpointError("damaged merges " + merges_file, lines.front(), kMergesHeader);
  Merges merges;
  for (size_t i = 1; i < lines.size(); ++i) {
    if (lines[i].ends_with('\r')) lines[i].pop_back();
    if (lines[i].empty()) continue;
    const std::vector<std::string> parts = split(lines[i], ' ');
    if (parts.size() != 2)
      throw CheckpointError("damaged merges " + merges_file + " at line " + std::to_string(i + 1), lines[i],
                            "two pieces with a space between them");
    merges.emplace_back(parts[0], parts[1]);
  }
  return std::make_shared<const ByteBpe>(pieces_of(read_large_json_file(vocab_file), vocab_file), merges, vocab_file);
}

TokenizerTraits ByteBpe::traits() const {
  return {.tokenizer_class = "GPT2Tokenizer",
          .writes_anything = true,
          .keeps_text = true,
          .finds_added_tokens = true,
          .finds_special_tokens = true};
}

std::optional<int32_t> ByteBpe::find(const std::string& piece) const {
  const auto found = ids_.find(piece);
  return found == ids_.end() ? std::nullopt : std::optional(found->second);
}

Written ByteBpe::written(int32_t id) const {
  return {bytes_of(pieces_[static_cast<size_t>(id)])};
}

SpecialTokens ByteBpe::special_tokens() const {
  return {{"eos_token", kEndOfText}, {"unk_token", kEndOfText}};
}

void ByteBpe::encode(std::string_view text, std::vector<int32_t>& ids) const {
  while (!text.empty()) {
    const std::string_view word = text.substr(0, word_length(text));
    text.remove_prefix(word.size());
    if (word.size() > WordCache::kLongestWord) {
      const std::vector<int32_t> found = encode_word(word);
      ids.insert(ids.end(), found.begin(), found.end());
    } else if (!cache_->append(word, ids)) {
      const std::vector<int32_t> found = encode_word(word);
      ids.insert(ids.end(), found.begin(), found.end());
      cache_->remember(word, found);
    }
  }
}

const ByteBpe::Merge* ByteBpe::find_merge(int32_t left, int32_t right) const {
  const auto found = merges_.find(key_of(left, right));
  return found == merges_.end() ? nullptr : &found->second;
}

/// Joins neighbours until no merge is left: the merge of the lowest rank first, of equal ones the leftmost. A queue of
/// the merges that are possible makes it n log n for words of any length.
std::vector<int32_t> ByteBpe::encode_word(std::string_view word) const {
  struct Symbol {
    int32_t id;  // -1 = joined to the one before
    size_t previous, next;
  };
  struct Candidate {
    int32_t rank;
    size_t left, right;
    int32_t made;
    bool operator>(const Candidate& other) const { return std::pair(rank, left) > std::pair(other.rank, other.left); }
  };
  const size_t none = word.size();
  std::vector<Symbol> symbols;
  for (size_t i = 0; i < word.size(); ++i)
    symbols.push_back({byte_ids_[static_cast<unsigned char>(word[i])], i == 0 ? none : i - 1, i + 1});

  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> candidates;
  const auto consider = [&](size_t left, size_t right) {
    if (left == none || right == none) return;
    if (const Merge* merge = find_merge(symbols[left].id, symbols[right].id))
      candidates.push({merge->rank, left, right, merge->made});
  };
  for (size_t i = 1; i < word.size(); ++i) consider(i - 1, i);
  while (!candidates.empty()) {
    const Candidate best = candidates.top();
    candidates.pop();
    Symbol& left = symbols[best.left];
    if (left.id < 0 || left.next != best.right) continue;
    const Merge* merge = find_merge(left.id, symbols[best.right].id);
    if (merge == nullptr || merge->rank != best.rank) continue;  // one of the two has grown since
    left.id = best.made;
    left.next = symbols[best.right].next;
    symbols[best.right].id = -1;
    if (left.next != none) symbols[left.next].previous = best.left;
    consider(left.previous, best.left);
    consider(best.left, left.next);
  }
  std::vector<int32_t> ids;
  for (size_t i = 0; i < symbols.size(); i = symbols[i].next) ids.push_back(symbols[i].id);
  return ids;
}

std::map<std::string, std::string> ByteBpe::files(bool) const {
  std::string merges = std::string(kMergesHeader) + "\n";
  for (const auto& [left, right] : pairs_) merges += piece(left) + " " + piece(right) + "\n";
  return {{"vocab.json", vocabulary_json(pieces_)}, {"merges.txt", merges}};
}

void ByteBpe::describe(nlohmann::ordered_json& config, bool) const {
  config["add_prefix_space"] = false;
  // Without one Hugging Face's class adds its own to a vocabulary that lacks it.
  if (!config.contains("bos_token")) config["bos_token"] = config["eos_token"];
}

std::string ByteBpe::identity() const {
  std::string all = traits().tokenizer_class;
  for (const auto& [name, content] : files(true)) all += name + content;
  return all;
}

}  // namespace tvae
