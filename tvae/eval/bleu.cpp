#include "tvae/eval/bleu.h"

#include <array>
#include <cmath>
#include <map>
#include <set>

#include "tvae/base/assert.h"
#include "tvae/base/utf8.h"

namespace tvae {
namespace {

constexpr size_t kMaxOrder = 4;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_stop(char c) {
  return c == '.' || c == ',';
}

/// ASCII marks other than comma, minus, stop and apostrophe: [\{-\~\[-\` -\&\(-\+\:-\@\/].
bool is_mark(char c) {
  return (c >= '{' && c <= '~') || (c >= '[' && c <= '`') || (c >= ' ' && c <= '&') || (c >= '(' && c <= '+') ||
         (c >= ':' && c <= '@') || c == '/';
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

std::string separate_marks(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (is_mark(c)) out += ' ';
    out += c;
    if (is_mark(c)) out += ' ';
  }
  return out;
}

/// What a regular expression of two characters does, left to right without overlap: `replace` writes what a pair
/// becomes and returns true, or leaves the pair.
template <class Replace>
std::string replace_pairs(const std::string& text, Replace replace) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i + 1 < text.size() && replace(out, text[i], text[i + 1]))
      ++i;
    else
      out += text[i];
  }
  return out;
}

bool separate_stop_after_non_digit(std::string& out, char a, char b) {
  if (is_digit(a) || !is_stop(b)) return false;
  for (const char c : {a, ' ', b, ' '}) out += c;
  return true;
}

bool separate_stop_before_non_digit(std::string& out, char a, char b) {
  if (!is_stop(a) || is_digit(b)) return false;
  for (const char c : {' ', a, ' ', b}) out += c;
  return true;
}

bool separate_dash_after_digit(std::string& out, char a, char b) {
  if (!is_digit(a) || b != '-') return false;
  for (const char c : {a, ' ', b, ' '}) out += c;
  return true;
}

/// What Python's str.split() takes for white space.
bool is_space(std::string_view character) {
  static const std::set<std::string_view> wide = {"\u0085", "\u00a0", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003",
                                                  "\u2004", "\u2005", "\u2006", "\u2007", "\u2008", "\u2009", "\u200a",
                                                  "\u2028", "\u2029", "\u202f", "\u205f", "\u3000"};
  if (character.size() > 1) return wide.contains(character);
  const char c = character[0];
  return c == ' ' || (c >= '\t' && c <= '\r') || (c >= '\x1c' && c <= '\x1f');
}

std::map<std::string, int64_t> ngrams(const std::vector<std::string>& tokens, size_t order) {
  std::map<std::string, int64_t> counts;
  for (size_t start = 0; start + order <= tokens.size(); ++start) {
    std::string key;
    for (size_t i = start; i < start + order; ++i) (key += tokens[i]) += ' ';
    ++counts[key];
  }
  return counts;
}

}  // namespace

std::vector<std::string> bleu_tokens(std::string_view line) {
  std::string text(" ");
  text.append(line).append(" ");
  replace_all(text, "<skipped>", "");
  replace_all(text, "-\n", "");
  replace_all(text, "\n", " ");
  replace_all(text, "&quot;", "\"");
  replace_all(text, "&amp;", "&");
  replace_all(text, "&lt;", "<");
  replace_all(text, "&gt;", ">");
  text = separate_marks(text);
  text = replace_pairs(text, separate_stop_after_non_digit);
  text = replace_pairs(text, separate_stop_before_non_digit);
  text = replace_pairs(text, separate_dash_after_digit);
  std::vector<std::string> tokens;
  bool inside = false;
  for (const std::string_view character : utf8_characters(text)) {
    const bool space = is_space(character);
    if (!space && !inside) tokens.emplace_back();
    if (!space) tokens.back() += character;
    inside = !space;
  }
  return tokens;
}

BleuCounts& BleuCounts::operator+=(const BleuCounts& more) {
  for (size_t n = 0; n < kMaxOrder; ++n) {
    correct[n] += more.correct[n];
    total[n] += more.total[n];
  }
  hypothesis_length += more.hypothesis_length;
  reference_length += more.reference_length;
  return *this;
}

BleuCounts bleu_counts(const std::string& hypothesis_text, const std::string& reference_text) {
  const auto hypothesis = bleu_tokens(hypothesis_text), reference = bleu_tokens(reference_text);
  BleuCounts counts;
  counts.hypothesis_length = static_cast<int64_t>(hypothesis.size());
  counts.reference_length = static_cast<int64_t>(reference.size());
  for (size_t order = 1; order <= kMaxOrder; ++order) {
    const auto wanted = ngrams(reference, order);
    for (const auto& [ngram, count] : ngrams(hypothesis, order)) {
      counts.total[order - 1] += count;
      if (const auto found = wanted.find(ngram); found != wanted.end())
        counts.correct[order - 1] += std::min(count, found->second);
    }
  }
  return counts;
}

double bleu(const BleuCounts& counts) {
  double log_precisions = 0.0, smoothing = 1.0;
  if (counts.correct[0] == 0) return 0.0;
  for (size_t n = 0; n < kMaxOrder; ++n) {
    if (counts.total[n] == 0) return 0.0;  // every line is shorter than the order
    if (counts.correct[n] == 0) smoothing *= 2.0;
    const double matches = counts.correct[n] == 0 ? 1.0 / smoothing : static_cast<double>(counts.correct[n]);
    log_precisions += std::log(matches / static_cast<double>(counts.total[n]));
  }
  const double ratio = static_cast<double>(counts.reference_length) / static_cast<double>(counts.hypothesis_length);
  return std::min(1.0, std::exp(1.0 - ratio)) * std::exp(log_precisions / kMaxOrder);
}

double corpus_bleu(const std::vector<std::string>& hypotheses, const std::vector<std::string>& references) {
  TVAE_ASSERT(hypotheses.size() == references.size(), "one reference a hypothesis");
  BleuCounts sum;
  for (size_t i = 0; i < hypotheses.size(); ++i) sum += bleu_counts(hypotheses[i], references[i]);
  return bleu(sum);
}

}  // namespace tvae
