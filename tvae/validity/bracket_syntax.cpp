#include "tvae/validity/bracket_syntax.h"

#include <set>

namespace tvae {
namespace {

/// Appends character by character to a copy of the state, which replaces it only when all were taken.
template <class State>
class CharacterSyntax : public BracketSyntax {
 public:
  bool append(std::string_view text, int64_t most_open) override {
    State next = state_;
    for (const char c : text)
      if (!next.take(c)) return false;
    if (next.missing() > most_open) return false;
    state_ = std::move(next);
    return true;
  }
  int64_t missing() const override { return state_.missing(); }

 private:
  State state_;
};

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

/// Chapter 3 of the OpenSMILES specification, as far as things open and close.
class SmilesState {
 public:
  bool take(char c) {
    if (in_atom_) {
      if (c == '[') return false;
      in_atom_ = c != ']';
      return true;
    }
    if (!ring_.empty()) {  // %nn
      if (c < '0' || c > '9') return false;
      ring_ += c;
      if (ring_.size() == 3) toggle_ring();
      return true;
    }
    if (c == '[') in_atom_ = true;
    if (c == '(') ++branches_;
    if (c == ']' || (c == ')' && --branches_ < 0)) return false;
    if (c == '%') ring_ = "%";
    if (c >= '0' && c <= '9') {
      ring_ = std::string("%0") + c;
      toggle_ring();
    }
    return true;
  }
  int64_t missing() const {
    int64_t characters = branches_ + (in_atom_ ? 1 : 0);
    if (!ring_.empty()) characters += 3 + 3 - static_cast<int64_t>(ring_.size());  // its number, and once more
    for (const std::string& ring : rings_) characters += ring[1] == '0' ? 1 : 3;
    return characters;
  }

 private:
  void toggle_ring() {
    if (rings_.erase(ring_) == 0) rings_.insert(ring_);
    ring_.clear();
  }

  bool in_atom_ = false;
  int branches_ = 0;
  std::string ring_;             // a ring bond's number that is being written, as "%12"
  std::set<std::string> rings_;  // open ones
};

}  // namespace

std::unique_ptr<BracketSyntax> make_bracket_syntax(const std::string& check) {
  if (check == "python") return std::make_unique<CharacterSyntax<PythonState>>();
  if (check == "smiles") return std::make_unique<CharacterSyntax<SmilesState>>();
  return nullptr;
}

}  // namespace tvae
