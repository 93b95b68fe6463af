// Whether a generated text is a valid one: the data's own check.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tvae/base/registry.h"
#include "tvae/validity/bracket_syntax.h"

namespace tvae {

/// A judge of texts; several threads may ask at once. A kind of texts is a file of its own that registers its judge.
class ValidityCheck {
 public:
  virtual ~ValidityCheck() = default;
  /// One answer a text, in order. Throws DataError where there is none to be had.
  virtual std::vector<bool> valid(const std::vector<std::string>& texts) = 0;
  /// What the judge is, for reports: "python3 ast.parse", "SMILES grammar without valences", ...
  virtual std::string describe() const = 0;
  /// What this machine lacks for a better judgement; "" where nothing is missing.
  virtual std::string shortcoming() const { return ""; }
};

/// By name ("none" gives nullptr). "python" starts a pool of python3 workers that only ast.parse the text (stripped of
/// nothing, never executed; an empty one is not valid); without a python3 it warns and gives nullptr. "smiles" asks
/// RDKit where python3 has it, else, after a notice, a grammar. Throws ConfigError for unknown names.
std::unique_ptr<ValidityCheck> make_validity_check(const std::string& name);

/// A kind of texts: who judges them, and what keeps their brackets in order while they are written.
struct TextKind {
  /// May give nullptr where the machine lacks what the judge needs, after a warning.
  std::unique_ptr<ValidityCheck> (*make_check)();
  /// no_bracket_syntax for texts without brackets, or whose brackets nobody has described.
  std::unique_ptr<BracketSyntax> (*make_syntax)();
};
/// By name, data.check.
Registry<TextKind>& text_kinds();

/// nullptr.
std::unique_ptr<BracketSyntax> no_bracket_syntax();

/// By name; nullptr for texts without. Throws ConfigError for unknown names.
std::unique_ptr<BracketSyntax> make_bracket_syntax(const std::string& name);
/// The names that have one.
std::vector<std::string> names_with_bracket_syntax();

/// A judge that is a plain function of one text.
class FunctionCheck : public ValidityCheck {
 public:
  FunctionCheck(bool (*is_valid)(std::string_view), std::string description, std::string shortcoming = "")
      : is_valid_(is_valid), description_(std::move(description)), shortcoming_(std::move(shortcoming)) {}
  std::vector<bool> valid(const std::vector<std::string>& texts) override {
    std::vector<bool> answers;
    for (const std::string& text : texts) answers.push_back(is_valid_(text));
    return answers;
  }
  std::string describe() const override { return description_; }
  std::string shortcoming() const override { return shortcoming_; }

 private:
  bool (*is_valid_)(std::string_view);
  std::string description_, shortcoming_;
};

}  // namespace tvae
