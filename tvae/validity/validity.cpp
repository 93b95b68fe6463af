#include "tvae/validity/validity.h"

#include <algorithm>

#include "tvae/base/error.h"
#include "tvae/base/log.h"
#include "tvae/base/strings.h"
#include "tvae/validity/image_text.h"
#include "tvae/validity/python_check.h"
#include "tvae/validity/smiles.h"

namespace tvae {
namespace {

/// A check that is a plain function of one text.
class FunctionCheck : public ValidityCheck {
 public:
  FunctionCheck(bool (*is_valid)(std::string_view), std::string description)
      : is_valid_(is_valid), description_(std::move(description)) {}
  std::vector<bool> valid(const std::vector<std::string>& texts) override {
    std::vector<bool> answers;
    for (const std::string& text : texts) answers.push_back(is_valid_(text));
    return answers;
  }
  std::string describe() const override { return description_; }

 private:
  bool (*is_valid_)(std::string_view);
  std::string description_;
};

struct Entry {
  std::string name;
  std::unique_ptr<ValidityCheck> (*make)();
};

const std::vector<Entry>& registry() {
  static const std::vector<Entry> entries = {
      {"none", [] { return std::unique_ptr<ValidityCheck>(); }},
      {"python", [] { return make_python_check(); }},
      {"smiles",
       []() -> std::unique_ptr<ValidityCheck> {
         if (auto rdkit = make_rdkit_check()) return rdkit;
         log_info("python3 has no RDKit: SMILES are judged by a grammar without valences");
         return std::make_unique<FunctionCheck>(is_smiles, "SMILES grammar without valences");
       }},
      {"mnist",
       []() -> std::unique_ptr<ValidityCheck> {
         return std::make_unique<FunctionCheck>(is_mnist_text, "rows and symbols of MNIST text");
       }},
  };
  return entries;
}

}  // namespace

std::unique_ptr<ValidityCheck> make_validity_check(const std::string& name) {
  for (const Entry& entry : registry())
    if (entry.name == name) return entry.make();
  throw ConfigError("unknown validity check", name, "", suggestion(name, validity_check_names()));
}

std::vector<std::string> validity_check_names() {
  std::vector<std::string> names;
  for (const Entry& entry : registry()) names.push_back(entry.name);
  return names;
}

}  // namespace tvae
