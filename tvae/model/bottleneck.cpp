#include "tvae/model/bottleneck.h"

#include "tvae/base/error.h"
#include "tvae/base/strings.h"

namespace tvae {

const std::map<std::string, BottleneckFactory>& bottleneck_registry() {
  static const std::map<std::string, BottleneckFactory> registry = {
      {"fc", make_fc_bottleneck},
      {"flax", make_flax_bottleneck},
      {"queries", make_queries_bottleneck},
  };
  return registry;
}

std::unique_ptr<Bottleneck> make_bottleneck(const Scope& scope, const ModelConfig& config) {
  const auto found = bottleneck_registry().find(config.bottleneck);
  if (found != bottleneck_registry().end()) return found->second(scope, config);
  std::vector<std::string> names;
  for (const auto& [name, factory] : bottleneck_registry()) names.push_back(name);
  throw ConfigError("model.bottleneck", "\"" + config.bottleneck + "\"", "one of " + join(names, ", "));
}

}  // namespace tvae
