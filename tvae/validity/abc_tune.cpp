// Tunes in ABC notation, version 2.1: a header whose first field is X: and whose last is K:, then lines of music.
#include <cctype>

#include "tvae/base/strings.h"
#include "tvae/validity/validity.h"

namespace tvae {
namespace {

bool is_letter(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_field(std::string_view line) {
  return line.size() >= 2 && is_letter(line[0]) && line[1] == ':';
}

/// A line of music, from left to right.
class MusicLine {
 public:
  /// `slurs` are open ones, which may close in a later line.
  MusicLine(std::string_view line, int& slurs) : rest_(line), slurs_(slurs) {}

  /// Whether all of it is music; counts its notes and rests.
  bool read(int& notes) {
    while (!rest_.empty())
      if (!take_element(notes)) return false;
    return true;
  }

 private:
  char peek() const { return rest_.empty() ? '\0' : rest_.front(); }
  bool take_any(std::string_view of) {
    if (rest_.empty() || of.find(rest_.front()) == std::string_view::npos) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void take_digits() {
    while (is_digit(peek())) rest_.remove_prefix(1);
  }
  /// "2", "/2", "3/2", "//".
  void take_length() {
    take_digits();
    while (take_any("/")) take_digits();
  }
  /// What stands up to the mark that ends it.
  bool take_until(char end) {
    const size_t at = rest_.find(end);
    if (at == std::string_view::npos) return false;
    rest_.remove_prefix(at + 1);
    return true;
  }

  /// Accidentals, letter, octaves, length.
  bool take_note() {
    while (take_any("_^=")) {
    }
    if (!take_any("ABCDEFGabcdefg")) return false;
    while (take_any(",'")) {
    }
    take_length();
    return true;
  }

  /// What follows "[": an inline field, the number of an ending, a bar, or the notes of a chord.
  bool take_bracket(int& notes) {
    if (is_field(rest_)) return take_until(']');
    if (take_any("|")) return true;
    if (is_digit(peek())) {
      take_ending();
      return true;
    }
    constexpr std::string_view kBetweenNotes = " \"!-().";
    while (peek() != ']')
      if (!(kBetweenNotes.find(peek()) == std::string_view::npos ? take_note() : take_element(notes))) return false;
    rest_.remove_prefix(1);
    take_length();
    ++notes;
    return true;
  }

  /// "1", "1,3", "1-3".
  void take_ending() {
    take_digits();
    while (is_digit(rest_.size() > 1 ? rest_[1] : '\0') && take_any(",-")) take_digits();
  }

  bool take_grace_notes() {
    take_any("/");
    while (peek() != '}')
      if (!take_any(" ") && !take_note()) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool take_element(int& notes) {
    if (take_any(" \t\r\\`y~.HLMOPSTuv-<>&")) return true;
    if (take_any("\"")) return take_until('"');
    if (take_any("!")) return take_until('!');
    if (take_any("%")) {
      rest_ = {};
      return true;
    }
    if (take_any("{")) return take_grace_notes();
    if (take_any("[")) return take_bracket(notes);
    if (take_any("(")) {
      if (!is_digit(peek())) return ++slurs_ > 0;
      take_digits();
      while (take_any(":")) take_digits();
      return true;
    }
    if (take_any(")")) return --slurs_ >= 0;
    if (take_any("|:")) {
      while (take_any("|:]")) {
      }
      take_ending();
      return true;
    }
    ++notes;
    if (take_any("zxZX")) {
      take_length();
      return true;
    }
    return take_note();
  }

  std::string_view rest_;
  int& slurs_;
};

bool is_abc(std::string_view text) {
  const std::vector<std::string> lines = split(std::string(text), '\n');
  if (!lines.front().starts_with("X:")) return false;
  bool in_header = true;
  int notes = 0, slurs = 0;
  for (const std::string& line : lines) {
    if (line.starts_with('%')) continue;
    if (is_field(line)) {
      in_header &= !line.starts_with("K:");
      continue;
    }
    if (in_header || line.empty() || !MusicLine(line, slurs).read(notes)) return false;
  }
  return notes > 0;
}

std::unique_ptr<ValidityCheck> make_abc_check() {
  return std::make_unique<FunctionCheck>(is_abc, "the grammar of ABC notation");
}

const Register<TextKind> registered(text_kinds(),
                                    {"abc", "tunes in ABC notation", {make_abc_check, no_bracket_syntax}});

}  // namespace
}  // namespace tvae
