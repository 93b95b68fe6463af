#include "apps/assignments.h"

#include "tvae/base/strings.h"

namespace tvae::apps {

void add_set_option(CLI::App& command, std::vector<std::string>& assignments) {
  command.add_option("--set", assignments, "set one key (tvae config --explain lists them); as often as needed")
      ->type_name("KEY=VALUE")
      ->take_all()
      ->allow_extra_args(false);
}

void add_setting_flags(CLI::App& command, const std::vector<SettingFlag>& flags,
                       std::vector<std::string>& assignments) {
  for (const SettingFlag& setting : flags) {
    const std::string key = setting.key, help = std::string(setting.help) + " (" + key + ")";
    const auto assign = [&assignments, key](const std::string& value) { assignments.push_back(key + "=" + value); };
    if (setting.value == nullptr)
      command.add_flag_function(
          setting.flag, [assign](int64_t count) { assign(count > 0 ? "true" : "false"); }, help);
    else if (setting.files)
      command
          .add_option_function<std::vector<std::string>>(
              setting.flag, [assign](const std::vector<std::string>& files) { assign(join(files, "|")); }, help)
          ->type_name(setting.value)
          ->take_all()
          ->allow_extra_args(false);
    else
      command.add_option_function<std::string>(setting.flag, assign, help)->type_name(setting.value)->take_last();
  }
}

}  // namespace tvae::apps
