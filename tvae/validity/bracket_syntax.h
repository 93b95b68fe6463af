// Brackets and strings of a text that is being written: what must not come next, and what still has to.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>

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

/// That of a validity check: "python" (brackets, strings, comments, line continuations) and "smiles" (branches, atoms
/// in brackets, ring bonds); nullptr for checks without any.
std::unique_ptr<BracketSyntax> make_bracket_syntax(const std::string& check);

}  // namespace tvae
