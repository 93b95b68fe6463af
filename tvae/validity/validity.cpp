#include "tvae/validity/validity.h"

#include "tvae/base/log.h"

namespace tvae {

Registry<TextKind>& text_kinds() {
  static Registry<TextKind> registry("data.check");
  return registry;
}

namespace {

const Register<TextKind> none(text_kinds(),
                              {"none",
                               "no check",
                               {[]() -> std::unique_ptr<ValidityCheck> { return nullptr; }, no_bracket_syntax}});

}  // namespace

std::unique_ptr<ValidityCheck> make_validity_check(const std::string& name) {
  auto check = text_kinds().find(name).make_check();
  if (check && !check->shortcoming().empty()) log_info(check->shortcoming());
  return check;
}

std::unique_ptr<BracketSyntax> no_bracket_syntax() {
  return nullptr;
}

std::unique_ptr<BracketSyntax> make_bracket_syntax(const std::string& name) {
  return text_kinds().find(name).make_syntax();
}

std::vector<std::string> names_with_bracket_syntax() {
  std::vector<std::string> names;
  for (const auto& [name, help, kind, order] : text_kinds().entries())
    if (kind.make_syntax()) names.push_back(name);
  return names;
}

}  // namespace tvae
