// tvae config: the resolved configuration of presets and --set.
#include <memory>

#include "apps/assignments.h"
#include "apps/until_signal.h"
#include "apps/verb.h"
#include "tvae/base/log.h"
#include "tvae/base/strings.h"
#include "tvae/base/wrap.h"
#include "tvae/config/presets.h"
#include "tvae/run/model_directory.h"
#include "tvae/train/auto_settings.h"
#include "tvae/train/train.h"

namespace tvae::apps {
namespace {

struct Options {
  std::vector<std::string> presets;
  std::vector<std::string> assignments;
  std::vector<std::string> of_flags;  // assignments
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

/// With what "auto" chooses where it has a file to look at.
ResolvedConfig resolved_config(const Options& options, const CommonOptions& common) {
  std::vector<std::string> assignments = options.assignments;
  assignments.insert(assignments.end(), options.of_flags.begin(), options.of_flags.end());
  ResolvedConfig resolved = resolve_config(options.presets, assignments);
  if (!asks_for_auto(options.presets) || resolved.config.data.train.empty()) return resolved;
  UntilSignal until_signal;
  for (const std::string& told : choose_for_training(resolved, parse_device(common.device), until_signal))
    for (const std::string& line : wrapped_entry(told, kToldTopic)) log_info(line);
  return resolved;
}

RunVerb set_up(CLI::App& command, const CommonOptions& common) {
  auto options = std::make_shared<Options>();
  command.add_option("PRESET", options->presets, "presets (tvae presets lists them); no two may disagree");
  add_set_option(command, options->assignments);
  add_setting_flags(command,
                    {{"--train", "data.train", "with the preset auto: the file that it looks at", "FILE", true},
                     {"--valid", "data.valid", "with the preset auto: held-out sequences", "FILE", true},
                     {"--column", "data.column", "text column of a table", "NAME"},
                     {"--label-column", "data.label_column", "label column of a table", "NAME"},
                     {"--minutes", "train.minutes", "with the preset auto: time for training", "N"}},
                    options->of_flags);
  command.add_flag("--explain", options->explain, "also where each value came from and what it means");
  add_examples(command,
               {"tvae config lines_small --set train.steps=100", "tvae config auto --train lines.txt --explain"});
  return [options, &common] {
    const ResolvedConfig resolved = resolved_config(*options, common);
    if (options->explain) return explain(resolved, common.json);
    const auto json = to_json(resolved.config);
    print_line(common.json ? json.dump() : json.dump(2));
  };
}

const Register<SetUpVerb> registered(verbs(),
                                     {"config", "print the configuration that presets and --set make", set_up});

}  // namespace
}  // namespace tvae::apps
