#include "tvae/corpus/sentences.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "tvae/base/files.h"
#include "tvae/base/json.h"
#include "tvae/base/strings.h"
#include "tvae/base/utf8.h"
#include "tvae/corpus/file_list.h"
#include "tvae/data/records.h"

namespace tvae {
namespace {

constexpr int64_t kFewestWords = 5;
constexpr double kLetters = 0.8;  // share of letters and spaces, below which a line is a table or a list

bool is_capital(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return is_capital(c) || (c >= 'a' && c <= 'z') || (c & 0x80) != 0;
}

bool is_abbreviation(std::string_view word) {
  static const std::set<std::string_view> known = {
      "Mr",  "Mrs", "Ms",   "Dr",  "Prof", "St",  "Sr",  "Jr",  "Gen",    "Col", "Lt",  "Sgt", "Rev",
      "Hon", "No",  "vs",   "etc", "ca",   "cf",  "e.g", "i.e", "approx", "Jan", "Feb", "Mar", "Apr",
      "Aug", "Sep", "Sept", "Oct", "Nov",  "Dec", "Inc", "Ltd", "Co",     "Vol", "pp",  "U.S", "U.K"};
  return known.contains(word) || word.size() == 1;
}

bool balanced(std::string_view text) {
  int64_t round = 0, square = 0, quotes = 0;
  for (const char c : text) {
    round += (c == '(') - (c == ')');
    square += (c == '[') - (c == ']');
    quotes += c == '"';
    if (round < 0 || square < 0) return false;
  }
  return round == 0 && square == 0 && quotes % 2 == 0;
}

}  // namespace

std::vector<std::string> split_sentences(std::string_view paragraph) {
  std::vector<std::string> sentences;
  size_t start = 0;
  const auto cut = [&](size_t end) {
    if (std::string sentence = strip(paragraph.substr(start, end - start)); !sentence.empty())
      sentences.push_back(std::move(sentence));
    start = end;
  };
  for (size_t i = 0; i < paragraph.size(); ++i) {
    if (paragraph[i] != '.' && paragraph[i] != '!' && paragraph[i] != '?') continue;
    size_t end = i + 1;
    while (end < paragraph.size() && std::string_view("\"')").find(paragraph[end]) != std::string_view::npos) ++end;
    const size_t start_of_next = std::min(paragraph.find_first_not_of(' ', end), paragraph.size());
    if (start_of_next == end || start_of_next == paragraph.size()) continue;
    const char next = paragraph[start_of_next];
    if (!is_capital(next) && !is_digit(next) && next != '"' && next != '(') continue;
    const size_t space = paragraph.substr(0, i).find_last_of(" (");
    const std::string_view word = paragraph.substr(space + 1, i - space - 1);  // npos + 1 is 0
    if (paragraph[i] == '.' && is_abbreviation(word)) continue;
    cut(end);
  }
  cut(paragraph.size());
  return sentences;
}

bool is_whole_sentence(std::string_view sentence, const SentenceOptions& options) {
  const auto length = static_cast<int64_t>(utf8_characters(sentence).size());
  if (length < options.min_length || length > options.max_length || !is_valid_utf8(sentence)) return false;
  if (!is_capital(sentence.front()) && !is_digit(sentence.front())) return false;
  if (std::string_view(".!?").find(sentence.back()) == std::string_view::npos) return false;
  if (std::count(sentence.begin(), sentence.end(), ' ') + 1 < kFewestWords) return false;
  const auto letters = std::count_if(sentence.begin(), sentence.end(), [](char c) { return is_letter(c) || c == ' '; });
  return static_cast<double>(letters) >= kLetters * static_cast<double>(sentence.size()) && balanced(sentence);
}

std::vector<std::string> gather_sentences(const std::vector<std::string>& paths, const SentenceOptions& options) {
  std::vector<std::string> sentences;
  const auto add = [&](std::string_view paragraph) {
    for (std::string& sentence : split_sentences(paragraph))
      if (is_whole_sentence(sentence, options)) sentences.push_back(std::move(sentence));
  };
  for (const std::string& file : list_files(paths))
    for_each_line(read_text_file(file), [&](std::string_view line, int64_t) {
      if (line.starts_with("<doc ") || line.starts_with("</doc>")) return;
      const auto article = line.starts_with("{") ? parse_json(line) : nlohmann::ordered_json();
      if (!article.is_object() || !article.contains("text") || !article["text"].is_string()) return add(line);
      for_each_line(article["text"].get<std::string>(), [&](std::string_view paragraph, int64_t) { add(paragraph); });
    });
  return sentences;
}

}  // namespace tvae
