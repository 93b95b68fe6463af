#include "tvae/validity/bracket_syntax.h"
#include "tvae/validity/python_check.h"

namespace tvae {
namespace {

/// Python's lexical structure, chapter 2 of its reference: one-line and triple-quoted strings, comments, brackets.
class PythonState {
 public:
  bool take(char c) {
    if (escaped_) {  // a backslash takes the next character out of play, in strings and before a line break
      escaped_ = false;
      return true;
    }
    if (in_comment_) {
      in_comment_ = c != '\n';
      return true;
    }
    if (quote_ != '\0') return take_in_string(c);
    if (emptied_ == c) {  // the third quote of """
      quote_ = c;
      triple_ = true;
      emptied_ = '\0';
      return true;
    }
    emptied_ = '\0';
    switch (c) {
      case '\\':
        escaped_ = true;
        return true;
      case '#':
        in_comment_ = true;
        return true;
      case '\'':
      case '"':
        quote_ = c;
        triple_ = false;
        empty_ = true;
        return true;
      case '(':
        open_ += ')';
        return true;
      case '[':
        open_ += ']';
        return true;
      case '{':
        open_ += '}';
        return true;
      case ')':
      case ']':
      case '}':
        if (open_.empty() || open_.back() != c) return false;
        open_.pop_back();
        return true;
      default:
        return true;
    }
  }
  int64_t missing() const {
    const int64_t string_end = quote_ == '\0' ? 0 : triple_ ? 3 - quotes_ : 1;
    const int64_t comment_end = in_comment_ && !open_.empty() ? 1 : 0;
    return static_cast<int64_t>(open_.size()) + string_end + comment_end + (escaped_ ? 1 : 0);
  }

 private:
  bool take_in_string(char c) {
    if (c == '\\') {
      escaped_ = true;
      empty_ = false;
      quotes_ = 0;
    } else if (!triple_ && c == '\n') {
      return false;
    } else if (c != quote_) {
      empty_ = false;
      quotes_ = 0;
    } else if (!triple_ || ++quotes_ == 3) {
      emptied_ = !triple_ && empty_ ? c : '\0';
      quote_ = '\0';
      quotes_ = 0;
    }
    return true;
  }

  std::string open_;      // the brackets that have to come, the next one last
  char quote_ = '\0';     // of the string that is open
  bool triple_ = false;   // it opened with three quotes
  bool empty_ = false;    // a one-line string without characters so far
  int quotes_ = 0;        // that came one after another in a triple-quoted string
  char emptied_ = '\0';   // quote of the empty string that has just closed: one more makes it a triple
  bool escaped_ = false;  // the last character was a backslash
  bool in_comment_ = false;
};

}  // namespace

std::unique_ptr<BracketSyntax> make_python_syntax() {
  return std::make_unique<CharacterSyntax<PythonState>>();
}

}  // namespace tvae
