// tvae presets: lists the presets, or prints one.
#include <memory>

#include "apps/verb.h"
#include "tvae/config/presets.h"

namespace tvae::apps {
namespace {

nlohmann::ordered_json preset_json(const Preset& preset) {
  return {{"name", preset.name}, {"group", preset.group}, {"about", preset.about}, {"set", preset.set}};
}

void list_presets(bool json) {
  std::string group;
  for (const Preset& preset : all_presets()) {
    if (json) {
      print_json(preset_json(preset));
      continue;
    }
    if (preset.group != group) print_line((group.empty() ? "" : "\n") + preset.group);
    group = preset.group;
    print_line("  " + preset.name + std::string(preset.name.size() < 20 ? 20 - preset.name.size() : 1, ' ') +
               preset.about);
  }
}

void print_preset(const Preset& preset, bool json) {
  if (json) return print_json(preset_json(preset));
  print_line("# " + preset.name + ": " + preset.about);
  for (const auto& [key, value] : preset.set.items()) print_line(key + " = " + value.dump());
}

const Register<SetUpVerb> registered(verbs(), {"presets", "list the presets, or print one",
                                               [](CLI::App& command, const CommonOptions& common) {
                                                 auto name = std::make_shared<std::string>();
                                                 command.add_option("NAME", *name, "a preset to print");
                                                 return [name, &common] {
                                                   if (name->empty())
                                                     list_presets(common.json);
                                                   else
                                                     print_preset(find_preset(*name), common.json);
                                                 };
                                               }});

}  // namespace
}  // namespace tvae::apps
