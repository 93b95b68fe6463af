#include "apps/verb.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "tvae/base/error.h"

namespace tvae::apps {

Registry<SetUpVerb>& verbs() {
  static Registry<SetUpVerb> registry("verb");
  return registry;
}

bool has_verb(const std::string& name) {
  return std::ranges::any_of(verbs().entries(), [&](const Verb& verb) { return verb.name == name; });
}

RunVerb set_up_below(CLI::App& command, const CommonOptions& common, const std::vector<Verb>& below) {
  command.require_subcommand(1);
  std::vector<std::pair<CLI::App*, RunVerb>> choices;
  for (const auto& [name, help, set_up, order] : below) {
    CLI::App* choice = command.add_subcommand(name, help)->fallthrough();
    choices.emplace_back(choice, set_up(*choice, common));
  }
  return [choices] {
    for (const auto& [choice, run] : choices)
      if (choice->parsed()) run();
  };
}

void add_examples(CLI::App& command, const std::vector<std::string>& examples) {
  std::string footer = command.get_footer() + (command.get_footer().empty() ? "" : "\n\n") + "For example:";
  for (const std::string& example : examples) footer += "\n  " + example;
  command.footer(footer);
}

void print_line(const std::string& line) {
  if (std::fwrite(line.data(), 1, line.size(), stdout) != line.size() || std::fputc('\n', stdout) == EOF)
    throw DataError("cannot write to stdout", std::strerror(errno));
}

}  // namespace tvae::apps
