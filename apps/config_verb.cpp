// tvae config: the resolved configuration of presets and --set.
#include <memory>

#include "apps/assignments.h"
#include "apps/verb.h"
#include "tvae/base/strings.h"
#include "tvae/config/presets.h"

namespace tvae::apps {
namespace {

struct Options {
  std::vector<std::string> presets;
  std::vector<std::string> assignments;
  bool explain = false;
};

void explain(const ResolvedConfig& resolved, bool json) {
  visit_run(resolved.config, [&](const std::string& key, const auto& value, const FieldInfo& info) {
    const auto found = resolved.origins.find(key);
    const std::string origin = found == resolved.origins.end() ? "default"
                               : found->second == kAssigned    ? "--set"
                                                               : found->second;
    const nlohmann::ordered_json shown = value;
    const std::vector<std::string> choices = choices_of(key, info);
    if (json)
      print_json({{"key", key}, {"value", shown}, {"origin", origin}, {"help", info.help}, {"choices", choices}});
    else
      print_line(key + " = " + shown.dump() + "   [" + origin + "] " + info.help +
                 (choices.empty() ? "" : ": " + join(choices, ", ")));
  });
}

RunVerb set_up(CLI::App& command, const CommonOptions& common) {
  auto options = std::make_shared<Options>();
  command.add_option("PRESET", options->presets, "presets (tvae presets lists them); no two may disagree");
  add_set_option(command, options->assignments);
  command.add_flag("--explain", options->explain, "also where each value came from and what it means");
  return [options, &common] {
    const ResolvedConfig resolved = resolve_config(options->presets, options->assignments);
    if (options->explain) return explain(resolved, common.json);
    const auto json = to_json(resolved.config);
    print_line(common.json ? json.dump() : json.dump(2));
  };
}

const Register<SetUpVerb> registered(verbs(),
                                     {"config", "print the configuration that presets and --set make", set_up});

}  // namespace
}  // namespace tvae::apps
