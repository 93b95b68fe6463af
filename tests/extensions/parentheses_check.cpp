// A check of somebody else, and what keeps the brackets of its texts in order: this file alone adds both.
#include "tvae/validity/validity.h"

namespace tvae {
namespace {

/// Parentheses that have to come.
class Parentheses {
 public:
  bool take(char c) {
    if (c == '(') ++open_;
    return c != ')' || open_-- > 0;
  }
  int64_t missing() const { return open_; }

 private:
  int64_t open_ = 0;
};

bool is_balanced(std::string_view text) {
  Parentheses state;
  for (const char c : text)
    if (!state.take(c)) return false;
  return state.missing() == 0;
}

std::unique_ptr<ValidityCheck> make_parentheses_check() {
  return std::make_unique<FunctionCheck>(is_balanced, "parentheses that close");
}

std::unique_ptr<BracketSyntax> make_parentheses_syntax() {
  return std::make_unique<CharacterSyntax<Parentheses>>();
}

const Register<TextKind> registered(text_kinds(), {"parentheses",
                                                   "parentheses that close",
                                                   {make_parentheses_check, make_parentheses_syntax}});

}  // namespace
}  // namespace tvae
