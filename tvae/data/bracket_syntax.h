// Brackets and strings of a text that is being written: what must not come next, and what still has to.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace tvae {

/// A text as far as it is written. It never refuses a beginning of a valid text; that it refuses nothing makes no text
/// valid.
class BracketSyntax {
 public:
  virtual ~BracketSyntax() = default;
  /// Takes what comes next, or gives false and stays as it was: a bracket closes that is not open.
  virtual bool append(std::string_view text) = 0;
  /// Whether no bracket, string or ring is open.
  virtual bool may_end() const = 0;
};

/// That of a validity check: "python" (brackets, strings, comments, line continuations) and "smiles" (branches, atoms
/// in brackets, ring bonds); nullptr for checks without any.
std::unique_ptr<BracketSyntax> make_bracket_syntax(const std::string& check);

}  // namespace tvae
