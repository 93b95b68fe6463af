// Whether a generated text is a valid one: the data's own check.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace tvae {

/// A registered check: name → factory (python, smiles, mnist). Several threads may ask at once.
class ValidityCheck {
 public:
  virtual ~ValidityCheck() = default;
  /// One answer a text, in order. Throws DataError where there is none to be had.
  virtual std::vector<bool> valid(const std::vector<std::string>& texts) = 0;
  /// What the judge is, for reports: "python3 ast.parse", "SMILES grammar without valences", ...
  virtual std::string describe() const = 0;
};

/// By name ("none" gives nullptr). "python" starts a pool of python3 workers that only ast.parse the text (stripped of
/// nothing, never executed; an empty one is not valid); without a python3 it warns and gives nullptr. "smiles" asks
/// RDKit where python3 has it, else a grammar. Throws ConfigError for unknown names.
std::unique_ptr<ValidityCheck> make_validity_check(const std::string& name);
std::vector<std::string> validity_check_names();

}  // namespace tvae
