// Brackets and strings of a text that is being written: what must not come next, and what still has to.
#pragma once

#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>

namespace tvae {

/// A text as far as it is written. It refuses no beginning of a valid text (of Python before 3.12, whose f-strings nest
/// no quotes, and of OpenSMILES); that it refuses nothing makes no text valid.
class BracketSyntax {
 public:
  virtual ~BracketSyntax() = default;
  /// Takes what comes next, or gives false and stays as it was: where a bracket closes that is not open, or where more
  /// than `most_open` characters would then be missing.
  virtual bool append(std::string_view text, int64_t most_open = std::numeric_limits<int64_t>::max()) = 0;
  /// Characters that close what is open: brackets, strings, rings. 0 = the text may end.
  virtual int64_t missing() const = 0;
};

/// The syntax of a State that takes character by character: `bool take(char)` is false for one that may not come, and
/// `int64_t missing() const` is that of the text so far. Every piece goes to a copy of the state, which replaces it
/// only when all of the piece was taken.
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

}  // namespace tvae
