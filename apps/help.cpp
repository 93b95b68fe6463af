#include "apps/help.h"

#include <algorithm>
#include <set>
#include <vector>

#include "tvae/base/strings.h"
#include "tvae/base/wrap.h"

namespace tvae::apps {

constexpr size_t kNames = 26;  // of what stands left of the meanings

namespace {

/// A name, and what it means beside it, or below where the name is long.
std::string entry(const std::string& name, const std::string& meaning) {
  const std::string left = "  " + name, right = wrapped(meaning, kNames);
  if (left.size() + 2 > kNames) return left + "\n" + right;
  return left + right.substr(left.size());
}

/// What the value of an option is called, and what it can be: of "INT:0 to 1" N and "0 to 1".
struct Value {
  std::string name, range;
};
Value value_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const size_t colon = type.find(':');
  Value value{type.substr(0, colon), colon == std::string::npos ? "" : type.substr(colon + 1)};
  if (value.name == "INT" || value.name == "UINT") value.name = "N";
  if (value.name == "FLOAT") value.name = "X";
  if (value.range.find('|') != std::string::npos) return {value.range, ""};
  return value;
}

bool takes_value(const CLI::Option& option) {
  return option.get_type_size() != 0;
}

std::string names_of(const CLI::Option& option) {
  if (option.get_positional()) return option.get_name(true, false);
  return option.get_name(false, true) + (takes_value(option) ? " " + value_of(option).name : "");
}

std::string joined_names(const std::set<CLI::Option*>& options) {
  std::vector<std::string> names;
  for (const CLI::Option* option : options) names.push_back(option->get_name());
  return join(names, ", ");
}

/// "[0 to 1; default 1; needs --near]", or nothing.
std::string limits_of(const CLI::Option& option) {
  std::vector<std::string> parts;
  if (takes_value(option)) {
    if (const std::string range = value_of(option).range; !range.empty()) parts.push_back(range);
    if (!option.get_default_str().empty()) parts.push_back("default " + option.get_default_str());
  }
  if (option.get_required() && !option.get_positional()) parts.emplace_back("required");
  if (!option.get_needs().empty()) parts.push_back("needs " + joined_names(option.get_needs()));
  if (!option.get_excludes().empty()) parts.push_back("not with " + joined_names(option.get_excludes()));
  return parts.empty() ? "" : " [" + join(parts, "; ") + "]";
}

std::string entries(const std::string& title, const std::vector<const CLI::Option*>& options) {
  std::string lines;
  for (const CLI::Option* option : options)
    lines += entry(names_of(*option), option->get_description() + limits_of(*option));
  return lines.empty() ? "" : "\n" + title + ":\n" + lines;
}

std::vector<const CLI::Option*> positionals_of(const CLI::App& command) {
  return command.get_options([](const CLI::Option* option) { return option->get_positional(); });
}

/// Those that stand before a command, then its own.
std::vector<const CLI::Option*> all_positionals_of(const CLI::App& command) {
  std::vector<const CLI::Option*> all;
  if (command.get_parent() != nullptr) all = all_positionals_of(*command.get_parent());
  for (const CLI::Option* option : positionals_of(command)) all.push_back(option);
  return all;
}

std::vector<const CLI::Option*> own_flags_of(const CLI::App& command, bool with_help) {
  return command.get_options([&](const CLI::Option* option) {
    return option->nonpositional() && !option->get_group().empty() && option->get_group() != kCommonGroup &&
           (with_help || option != command.get_help_ptr());
  });
}

std::vector<const CLI::Option*> common_flags_of(const CLI::App& command) {
  return command.get_options([](const CLI::Option* option) { return option->get_group() == kCommonGroup; });
}

std::vector<std::string> verbs_below(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::App* below : command.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(below->get_name());
  return names;
}

/// The positional arguments, as "MODEL [FILE]"; those that stand before a verb cannot be left out.
std::string arguments_of(const CLI::App& command) {
  std::string words;
  const bool before_verb = !verbs_below(command).empty();
  for (const CLI::Option* option : positionals_of(command)) {
    const std::string name = option->get_name(true, false) +
                             (option->get_expected_max() >= CLI::detail::expected_max_vector_size ? "..." : "");
    words += option->get_required() || before_verb ? " " + name : " [" + name + "]";
  }
  return words;
}

/// The names of the verbs down to a command, with the arguments that stand before the last.
std::string path_to(const CLI::App& command) {
  if (command.get_parent() == nullptr) return command.get_name();
  const CLI::App& parent = *command.get_parent();
  return path_to(parent) + arguments_of(parent) + " " + command.get_name();
}

}  // namespace

std::string usage_of(const CLI::App& command) {
  std::string usage = path_to(command) + arguments_of(command);
  if (command.get_parent() == nullptr)
    usage += " VERB";
  else if (const std::vector<std::string> verbs = verbs_below(command); !verbs.empty())
    usage += " " + join(verbs, "|");
  for (const CLI::Option* option : own_flags_of(command, false))
    if (option->get_required()) usage += " " + names_of(*option);
  return usage + " [flags]";
}

std::string HelpFormatter::make_help(const CLI::App* command, std::string /*name*/, CLI::AppFormatMode) const {
  std::string page = wrapped(command->get_description(), 0) + "\n" + wrapped("Usage: " + usage_of(*command), 0);
  const bool whole = command->get_parent() == nullptr;
  page += entries("Arguments", all_positionals_of(*command));
  std::string verbs;
  for (const CLI::App* below : command->get_subcommands([](const CLI::App*) { return true; }))
    verbs += entry(below->get_name(), below->get_description());
  if (!verbs.empty()) page += "\nVerbs:\n" + verbs;
  page += entries("Flags", own_flags_of(*command, whole));
  const CLI::App* verb = command;  // whose flags those of verbs below it are
  while (verb->get_parent() != nullptr && verb->get_parent()->get_parent() != nullptr) verb = verb->get_parent();
  page += entries(kCommonGroup, common_flags_of(*verb));
  if (!command->get_footer().empty()) page += "\n" + wrapped(command->get_footer(), 0);
  return page;
}

}  // namespace tvae::apps
