// tvae presets: lists the presets, or prints one.
#include <map>
#include <memory>

#include "apps/verb.h"
#include "tvae/config/presets.h"

namespace tvae::apps {
namespace {

nlohmann::ordered_json preset_json(const Preset& preset) {
  return {{"name", preset.name}, {"group", preset.group}, {"about", preset.about}, {"set", preset.set}};
}

/// Those that repeat what was published, of which there are many.
bool is_experiment(const Preset& preset) {
  return preset.group.ends_with("experiments");
}

void print_names(const Preset& preset) {
  print_line("  " + preset.name + std::string(preset.name.size() < 20 ? 20 - preset.name.size() : 1, ' ') +
             preset.about);
}

/// With `all` the experiments, too, which else are a line at the end.
void list_presets(bool all) {
  std::string group;
  std::map<std::string, int64_t> folded;
  const auto list = [&](const Preset& preset) {
    if (preset.group != group) print_line((group.empty() ? "" : "\n") + preset.group);
    group = preset.group;
    print_names(preset);
  };
  for (const Preset& preset : all_presets()) {
    if (is_experiment(preset))
      ++folded[preset.group];
    else
      list(preset);
  }
  for (const Preset& preset : all_presets())
    if (all && is_experiment(preset)) list(preset);
  for (const auto& [name, count] : folded)
    if (!all) print_line("\n" + name + ": " + std::to_string(count) + " presets (tvae presets --all lists them)");
}

void print_preset(const Preset& preset, bool json) {
  if (json) return print_json(preset_json(preset));
  print_line("# " + preset.name + ": " + preset.about);
  for (const auto& [key, value] : preset.set.items()) print_line(key + " = " + value.dump());
}

struct Options {
  std::string name;
  bool all = false;
};

void presets(const Options& options, const CommonOptions& common) {
  if (!options.name.empty()) return print_preset(find_preset(options.name), common.json);
  if (!common.json) return list_presets(options.all);
  for (const Preset& preset : all_presets()) print_json(preset_json(preset));
}

const Register<SetUpVerb> registered(
    verbs(), {"presets", "list the presets, or print one", [](CLI::App& command, const CommonOptions& common) {
                auto options = std::make_shared<Options>();
                command.add_option("NAME", options->name, "a preset to print");
                command.add_flag("--all", options->all, "also list those of published experiments, one by one");
                add_examples(command, {"tvae presets", "tvae presets lines_small"});
                return [options, &common] { presets(*options, common); };
              }});

}  // namespace
}  // namespace tvae::apps
