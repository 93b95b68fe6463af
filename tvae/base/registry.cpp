#include "tvae/base/registry.h"

#include <map>

#include "tvae/base/strings.h"

namespace tvae {
namespace {

std::map<std::string, std::vector<std::string>>& names_by_key() {
  static std::map<std::string, std::vector<std::string>> names;
  return names;
}

}  // namespace

std::vector<std::string> registered_names(const std::string& key) {
  const auto found = names_by_key().find(key);
  return found == names_by_key().end() ? std::vector<std::string>() : found->second;
}

void add_registered_name(const std::string& key, const std::string& name) {
  std::vector<std::string>& names = names_by_key()[key];
  names.insert(std::upper_bound(names.begin(), names.end(), name), name);
}

ConfigError unknown_name(const std::string& what, const std::string& name, const std::vector<std::string>& known) {
  const std::string near = nearest(name, known);
  return ConfigError(what, "\"" + name + "\"", "one of " + join(known, ", "),
                     near.empty() ? "" : "did you mean " + near + "?");
}

}  // namespace tvae
