#include <sentencepiece_trainer.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <unordered_map>
#include <unordered_set>

#include "tvae/base/error.h"
#include "tvae/base/log.h"
#include "tvae/base/process.h"
#include "tvae/base/ranges.h"
#include "tvae/base/strings.h"
#include "tvae/base/utf8.h"
#include "tvae/text/tokenizer.h"

namespace tvae {
namespace {

constexpr int64_t kFixedPieces = 3 + 256;  // <pad>, </s>, <unk> and the bytes
constexpr int64_t kSmallestVocabulary = kFixedPieces + 13;
constexpr int64_t kLargestVocabulary = 1'000'000;
// SentencePiece keeps places in a word in 16 bits, and the time it takes grows with the square of a word (bpe) and of
// what repeats itself (unigram). Lines are cut at blanks, so only longer words are cut.
constexpr size_t kLongestSentence = 256;  // in characters
// How much text is enough for pieces. The time grows with the words that differ, each of which SentencePiece looks at
// once, and a little with all of the text. Of twice as much it makes pieces with which texts are less than 1% shorter.
constexpr size_t kEnoughDifferent = 1'000'000;  // characters of words that differ
constexpr size_t kEnoughText = 5'000'000;       // characters altogether
constexpr int64_t kEnoughLines = 100'000;       // of which all that follows is taken
constexpr double kCoverage = 0.9999;            // of the text is covered by characters with a piece of their own
constexpr size_t kLongestPiece = 16;            // in characters (max_sentencepiece_length)

/// Hands sentences to SentencePiece one by one.
class Sentences : public sentencepiece::SentenceIterator {
 public:
  explicit Sentences(const std::vector<std::string_view>& sentences) : sentences_(sentences) { read(); }
  bool done() const override { return position_ == sentences_.size(); }
  void Next() override {
    ++position_;
    read();
  }
  const std::string& value() const override { return current_; }
  sentencepiece::util::Status status() const override { return {}; }

 private:
  void read() {
    if (!done()) current_ = sentences_[position_];
  }

  const std::vector<std::string_view>& sentences_;
  size_t position_ = 0;
  std::string current_;
};

/// Positions 0 … size - 1 in a seeded random order, each drawn when it is asked for. Fisher-Yates by hand: std::shuffle
/// differs between standard libraries.
class Draw {
 public:
  Draw(size_t size, int64_t seed) : positions_(size), generator_(static_cast<uint64_t>(seed)) {
    std::iota(positions_.begin(), positions_.end(), size_t{0});
  }
  bool more() const { return drawn_ < positions_.size(); }
  size_t next() {
    std::swap(positions_[drawn_], positions_[drawn_ + generator_() % (positions_.size() - drawn_)]);
    return positions_[drawn_++];
  }

 private:
  std::vector<size_t> positions_;
  std::mt19937_64 generator_;
  size_t drawn_ = 0;
};

/// Lines that are not empty; a seeded draw of them where there are more than the sample.
std::vector<std::string_view> draw_lines(const std::vector<std::string>& lines, const TokenizerTraining& training) {
  std::vector<std::string_view> filled;
  for (const std::string& line : lines)
    if (!line.empty()) filled.push_back(line);
  const auto wanted = static_cast<size_t>(training.sample_lines.value_or(kEnoughLines));
  if (wanted == 0 || filled.size() <= wanted) return filled;
  Draw draw(filled.size(), training.seed);
  std::vector<std::string_view> drawn;
  while (drawn.size() < wanted) drawn.push_back(filled[draw.next()]);
  return drawn;
}

/// Whether SentencePiece's trainer gives a character a meaning of its own, so that it is always written as bytes: its
/// space mark, its boundary (tab), its mark of unknown characters, NUL.
bool reserved(std::string_view character) {
  return character == "\u2581" || character == "\t" || character == "\u2585" || character == std::string_view("\0", 1);
}

/// Characters that get a piece of their own: the most frequent ones, which cover nearly all of the text.
std::unordered_set<std::string_view> choose_characters(const std::vector<std::string_view>& lines, size_t limit,
                                                       double coverage) {
  std::unordered_map<std::string_view, int64_t> counts;
  int64_t total = 0;
  for (const std::string_view line : lines) {
    for (const std::string_view character : utf8_characters(line)) {
      if (character == " " || reserved(character) || !is_valid_utf8(character)) continue;
      ++counts[character];
      ++total;
    }
  }
  std::vector<std::pair<std::string_view, int64_t>> ranked(counts.begin(), counts.end());
  std::sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  std::unordered_set<std::string_view> chosen = {" "};
  int64_t covered = 0;
  for (const auto& [character, count] : ranked) {
    if (chosen.size() == limit || static_cast<double>(covered) >= coverage * static_cast<double>(total)) break;
    chosen.insert(character);
    covered += count;
  }
  return chosen;
}

/// Appends a sentence, in parts where it is too long: cut at the last blank that a part has, so that no word is cut
/// unless it is too long itself.
void append_sentence(std::string_view sentence, std::vector<std::string_view>& sentences) {
  size_t start = 0, end = 0, characters = 0, blank = 0;  // the part from `start`, and the last blank in it
  for (const std::string_view character : utf8_characters(sentence)) {
    if (characters == kLongestSentence) {
      const size_t cut = blank > start && sentence[end] != ' ' ? blank : end;
      sentences.push_back(sentence.substr(start, cut - start));
      characters = utf8_characters(sentence.substr(cut, end - cut)).size();
      start = cut;
    }
    if (character == " ") blank = end;
    end += character.size();
    ++characters;
  }
  if (end > start) sentences.push_back(sentence.substr(start));
}

/// Cuts lines at the characters that will be bytes, and after the "<" of names that SentencePiece uses itself: a piece
/// learned from the literal text "<unk>" would clash with them. Long ones are cut into sentences of a bounded length.
std::vector<std::string_view> cut_lines(const std::vector<std::string_view>& lines,
                                        const std::unordered_set<std::string_view>& characters) {
  std::vector<std::string_view> sentences;
  for (const std::string_view line : lines) {
    size_t start = 0, end = 0;
    const auto cut = [&](size_t at, size_t next) {
      if (at > start) append_sentence(line.substr(start, at - start), sentences);
      start = next;
    };
    for (const std::string_view character : utf8_characters(line)) {
      const size_t at = end;
      end += character.size();
      if (!characters.count(character)) {
        cut(at, end);
      } else if (character == "<") {
        for (const std::string_view name : {"<pad>", "</s>", "<unk>", "<0x"})
          if (line.substr(at, name.size()) == name) cut(end, end);
      }
    }
    cut(line.size(), line.size());
  }
  return sentences;
}

/// The words of a sentence, each with the blank that it begins with.
std::vector<std::string_view> words_of(std::string_view sentence) {
  std::vector<std::string_view> words;
  while (!sentence.empty()) {
    words.push_back(sentence.substr(0, sentence.find(' ', 1)));
    sentence.remove_prefix(words.back().size());
  }
  return words;
}

/// How much text there is, of what is enough.
class Amount {
 public:
  void add(std::string_view sentence) {
    for (const std::string_view word : words_of(sentence)) {
      const auto characters = static_cast<size_t>(
          std::ranges::count_if(word, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
      all_ += characters;
      if (words_.insert(word).second) different_ += characters;
    }
  }
  /// 1 = enough, 2 = twice that.
  double of_enough() const {
    return std::max(static_cast<double>(different_) / kEnoughDifferent, static_cast<double>(all_) / kEnoughText);
  }

 private:
  std::unordered_set<std::string_view> words_;
  size_t different_ = 0, all_ = 0;
};

/// A seeded draw of sentences, in their order, that are enough to learn pieces from: all of them where there are few.
std::vector<std::string_view> draw_enough(const std::vector<std::string_view>& sentences, int64_t seed) {
  Amount amount;
  std::vector<size_t> positions;
  for (Draw draw(sentences.size(), seed); draw.more() && amount.of_enough() < 1.0;) {
    positions.push_back(draw.next());
    amount.add(sentences[positions.back()]);
  }
  std::ranges::sort(positions);
  std::vector<std::string_view> drawn;
  for (const size_t position : positions) drawn.push_back(sentences[position]);
  if (drawn.size() < sentences.size())
    log_info("a draw of " + std::to_string(std::max<size_t>(1, 100 * drawn.size() / sentences.size())) +
             "% of these lines is enough to learn pieces from; all of them take longer");
  return drawn;
}

/// Says before long work that it will be long.
void tell_amount(const std::vector<std::string_view>& sentences) {
  Amount amount;
  for (const std::string_view sentence : sentences) amount.add(sentence);
  const auto times = std::llround(amount.of_enough());
  if (times > 1)
    log_info("these lines are " + std::to_string(times) +
             " times the text that is enough for pieces, and take as many times as long");
}

/// SentencePiece seeds the unigram model with what occurs in several different words, however often each of them
/// occurs: of "sugar" it would try no more than the letters, if it stood in a thousand lines and never as "sugary" or
/// "sugar,". So each word that is repeated is handed over in a second form: with a tab behind it, which SentencePiece
/// takes for its boundary, and for no part of a piece.
std::vector<std::string> second_forms(const std::vector<std::string_view>& sentences) {
  std::unordered_map<std::string_view, bool> repeated;
  for (const std::string_view sentence : sentences)
    for (const std::string_view word : words_of(sentence)) {
      const auto [entry, first] = repeated.emplace(word, false);
      if (!first) entry->second = true;
    }
  std::vector<std::string> forms;
  for (const auto& [word, again] : repeated)
    if (again && word.size() > 1 && utf8_characters(word).size() <= kLongestPiece)
      forms.push_back(std::string(word) + "\t");
  std::ranges::sort(forms);  // the order of a hash table differs between standard libraries
  return forms;
}

/// As one row of CSV, with SentencePiece's mark for spaces.
std::string user_defined_symbols(const std::vector<std::string>& pieces) {
  std::vector<std::string> quoted;
  for (const std::string& piece : pieces)
    quoted.push_back("\"" + join(split(join(split(piece, ' '), "\u2581"), '"'), "\"\"") + "\"");
  return join(quoted, ",");
}

std::unordered_map<std::string, std::string> trainer_settings(const TokenizerTraining& training) {
  return {{"model_type", training.kind},
          {"vocab_size", std::to_string(training.vocab_size)},
          {"hard_vocab_limit", "false"},
          {"pad_id", "0"},
          {"eos_id", "1"},
          {"unk_id", "2"},
          {"bos_id", "-1"},
          {"byte_fallback", "true"},
          {"normalization_rule_name", "identity"},
          {"add_dummy_prefix", "false"},
          {"remove_extra_whitespaces", "false"},
          {"allow_whitespace_only_pieces", "true"},
          {"split_by_unicode_script", "false"},
          {"character_coverage", "1.0"},  // choose_characters has chosen
          {"max_sentence_length", "1000000000"},
          {"max_sentencepiece_length", std::to_string(kLongestPiece)},
          // Candidates to start from, of which each round keeps half, and estimates their probabilities once. The
          // defaults (a million, three quarters, twice) take five times the time for slightly longer encodings.
          {"seed_sentencepiece_size", std::to_string(10 * training.vocab_size)},
          {"shrinking_factor", "0.5"},
          {"num_sub_iterations", "1"},
          {"user_defined_symbols", user_defined_symbols(training.pieces)},
          {"num_threads", "8"},  // sums differ with the number of threads: fixed, whatever the machine has
          {"minloglevel", "3"}};
}

void require_room(const TokenizerTraining& training) {
  if (training.vocab_size < kSmallestVocabulary || training.vocab_size > kLargestVocabulary)
    throw ConfigError(
        "size of the vocabulary", std::to_string(training.vocab_size),
        range_text(kSmallestVocabulary, kLargestVocabulary),
        training.vocab_size < kSmallestVocabulary ? "256 ids are bytes; the kind byte needs no more" : "");
}

/// Pieces besides the fixed ones and the space.
size_t room(const TokenizerTraining& training) {
  return static_cast<size_t>(training.vocab_size - kFixedPieces - 1);
}

/// `sentences`: of cut_lines, whose text has a piece for each of its characters.
Tokenizer train_sentencepiece(std::vector<std::string_view> sentences, const TokenizerTraining& training) {
  sentences.emplace_back(" ");  // a space has a piece even where the lines have none
  const std::vector<std::string> forms =
      training.kind == "unigram" ? second_forms(sentences) : std::vector<std::string>();
  sentences.insert(sentences.end(), forms.begin(), forms.end());
  Sentences iterator(sentences);
  const auto train = [&] {
    std::string model;
    const auto status = sentencepiece::SentencePieceTrainer::Train(trainer_settings(training), &iterator, &model);
    if (!status.ok()) throw DataError("cannot train a tokenizer on these lines: " + status.ToString());
    return model;
  };
  return Tokenizer::from_sentencepiece(done_by_a_copy("training a tokenizer", train, *training.progress));
}

Tokenizer train_pieces(const std::vector<std::string_view>& lines, const TokenizerTraining& training) {
  require_room(training);
  std::vector<std::string_view> sentences = cut_lines(lines, choose_characters(lines, room(training) / 2, kCoverage));
  if (training.sample_lines)
    tell_amount(sentences);
  else
    sentences = draw_enough(sentences, training.seed);
  Tokenizer tokenizer = train_sentencepiece(std::move(sentences), training);
  if (tokenizer.size() < training.vocab_size)
    log_info("the lines give a vocabulary of " + std::to_string(tokenizer.size()) + " ids, not " +
             std::to_string(training.vocab_size));
  return tokenizer;
}

Tokenizer train_characters(const std::vector<std::string_view>& lines, const TokenizerTraining& training) {
  require_room(training);
  return train_sentencepiece(cut_lines(lines, choose_characters(lines, room(training), 1.0)), training);
}

Tokenizer take_bytes(const std::vector<std::string_view>&, const TokenizerTraining&) {
  return Tokenizer::bytes();
}

// The names of the first three are also SentencePiece's (model_type).
const Register<TokenizerTrainer> unigram(tokenizer_kinds(), {"unigram", "likely pieces of words", train_pieces, 1});
const Register<TokenizerTrainer> bpe(tokenizer_kinds(),
                                     {"bpe", "frequent pairs, joined again and again", train_pieces, 2});
const Register<TokenizerTrainer> characters(tokenizer_kinds(), {"char", "an id a character", train_characters, 3});
const Register<TokenizerTrainer> bytes(tokenizer_kinds(), {"byte", "an id a byte, nothing to train", take_bytes, 4});

}  // namespace

Registry<TokenizerTrainer>& tokenizer_kinds() {
  static Registry<TokenizerTrainer> registry("data.tokenizer_kind");
  return registry;
}

Tokenizer train_tokenizer(const std::vector<std::string>& lines, const TokenizerTraining& training) {
  const TokenizerTrainer train = tokenizer_kinds().find(training.kind);
  const std::vector<std::string_view> drawn = draw_lines(lines, training);
  if (drawn.empty()) throw DataError("no lines to train a tokenizer on");
  if (!training.sample_lines && training.kind != "byte" && lines.size() > drawn.size() &&
      lines.size() > static_cast<size_t>(kEnoughLines))
    log_info("learning from a draw of " + std::to_string(drawn.size()) + " of " + counted(lines.size(), "line"));
  return train(drawn, training);
}

}  // namespace tvae
