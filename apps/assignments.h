// Settings on the command line: --set KEY=VALUE, and flags that are other spellings of it.
#pragma once

#include <string>
#include <vector>

#include "apps/verb.h"

namespace tvae::apps {

/// --set, any number of times.
void add_set_option(CLI::App& command, std::vector<std::string>& assignments);

/// A flag for one key: `--train FILE` says what `--set data.train=FILE` says.
struct SettingFlag {
  const char* flag;
  const char* key;
  const char* help;
  const char* value = nullptr;  // what the help calls its value; none: a switch, which sets the key to true
  bool files = false;           // given several times, all of them are read (data/file_set.h)
};
/// What the flags say becomes assignments, which a verb puts after those of --set. They must live as long as the verb.
void add_setting_flags(CLI::App& command, const std::vector<SettingFlag>& flags, std::vector<std::string>& assignments);

}  // namespace tvae::apps
