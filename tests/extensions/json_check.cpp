// A check of somebody else: this file alone adds it.
#include <nlohmann/json.hpp>

#include "tvae/validity/validity.h"

namespace tvae {
namespace {

bool is_json(std::string_view text) {
  return nlohmann::json::accept(text);
}

const Register<ValidityCheckFactory> registered(validity_checks(),
                                                {"json", "JSON", []() -> std::unique_ptr<ValidityCheck> {
                                                   return std::make_unique<FunctionCheck>(is_json, "a JSON value");
                                                 }});

}  // namespace
}  // namespace tvae
