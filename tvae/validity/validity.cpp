#include "tvae/validity/validity.h"

namespace tvae {

Registry<ValidityCheckFactory>& validity_checks() {
  static Registry<ValidityCheckFactory> registry("data.check");
  return registry;
}

namespace {

const Register<ValidityCheckFactory> none(validity_checks(),
                                          {"none", "no check",
                                           []() -> std::unique_ptr<ValidityCheck> { return nullptr; }});

}  // namespace

std::unique_ptr<ValidityCheck> make_validity_check(const std::string& name) {
  return validity_checks().find(name)();
}

}  // namespace tvae
