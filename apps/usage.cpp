#include "apps/usage.h"

#include <algorithm>
#include <vector>

#include "apps/help.h"
#include "tvae/base/error.h"
#include "tvae/base/printable.h"
#include "tvae/base/strings.h"

namespace tvae::apps {
namespace {

/// The program and the verbs that were given, as tvae, direction, apply.
std::vector<const CLI::App*> given_verbs(const CLI::App& app) {
  std::vector<const CLI::App*> verbs = {&app};
  while (!verbs.back()->get_subcommands().empty()) verbs.push_back(verbs.back()->get_subcommands().front());
  return verbs;
}

/// What a verb had no use for: flags that it does not know, and further words.
struct Unused {
  std::vector<std::string> flags, words;
};
Unused unused_by(const CLI::App& command) {
  Unused unused;
  bool words_only = false;  // after --
  for (const std::string& word : command.remaining()) {
    if (word == "--" && !words_only)
      words_only = true;
    else if (!words_only && word.size() > 1 && word.starts_with("-"))
      unused.flags.push_back(word.substr(0, word.find('=')));
    else
      unused.words.push_back(word);
  }
  return unused;
}

std::string without_dashes(const std::string& flag) {
  return flag.substr(std::min(flag.find_first_not_of('-'), flag.size()));
}

std::string see_help(const CLI::App& command) {
  std::string name = command.get_name();
  for (const CLI::App* above = command.get_parent(); above != nullptr; above = above->get_parent())
    name = above->get_name() + " " + name;
  return "see " + name + " --help";
}

/// `verbs` are the ones given; the flag is left over of the arguments of `before`.
std::string unknown_flag(const std::string& flag, const CLI::App& before, const std::vector<const CLI::App*>& verbs) {
  const CLI::App& command = *verbs.back();
  std::vector<std::string> known;
  for (const CLI::App* verb : verbs)
    for (const CLI::Option* option : verb->get_options())
      if (verb != verbs.front() || verbs.size() == 1)  // those of the program alone are no verb's
        for (const std::string& name : option->get_lnames()) known.push_back(name);
  const std::string name = without_dashes(flag);
  const bool is_known = std::find(known.begin(), known.end(), name) != known.end();
  if (is_known && &before != &command && flag.starts_with("--"))
    return ConfigError(flag + " stands before " + command.get_name(), "", usage_of(command)).what();
  const std::string what = "unknown flag " + flag;
  if (const std::string near = nearest(name, known); !near.empty()) return what + "; did you mean --" + near + "?";
  return what + " (" + (flag.starts_with("--") ? "" : "a text that begins with - goes after --; ") + see_help(command) +
         ")";
}

/// Where a verb is missing: the word that stands in its place, most likely.
std::string unknown_verb(const CLI::App& command, std::vector<std::string> words) {
  std::vector<std::string> verbs;
  for (const CLI::App* verb : command.get_subcommands([](const CLI::App*) { return true; }))
    verbs.push_back(verb->get_name());
  for (const CLI::Option* option : command.get_options())
    if (option->get_positional() && !words.empty())  // as the one that was taken for MODEL in `direction aply m`
      words.insert(words.end(), option->results().begin(), option->results().end());
  const auto near = [&](const std::string& word) { return !nearest(word, verbs).empty(); };
  const auto found = std::find_if(words.begin(), words.end(), near);
  if (words.empty()) return ConfigError("a verb is missing", "", usage_of(command), see_help(command)).what();
  const std::string& word = found == words.end() ? words.front() : *found;
  return ConfigError("unknown verb", "\"" + word + "\"", "", suggestion(word, verbs)).what();
}

/// CLI11's own line, in our words where those are better.
std::string reworded(const CLI::App& command, const CLI::ParseError& error) {
  std::string line = error.what();
  line = line.substr(0, line.find('\n'));
  const std::string name = line.substr(0, line.find(':'));
  const auto replaced = [&line](const std::string& from, const std::string& to) {
    return CLI::detail::find_and_replace(line, from, to);
  };
  const auto in_order = [&](const std::string& what) { return ConfigError(what, "", usage_of(command)).what(); };
  if (error.get_name() == "RequiredError") return in_order(line);
  if (error.get_name() == "ExcludesError") return in_order(replaced(" excludes ", " goes without "));
  if (error.get_name() == "RequiresError") line = replaced(" requires ", " needs ");
  if (error.get_name() == "ArgumentMismatch")
    line = name + (line.find("missing") != std::string::npos ? " needs a value" : ": got several values, expected one");
  const std::string not_converted = "Could not convert: ";
  if (line.starts_with(not_converted)) {
    const size_t equals = line.find(" = ");
    const std::string flag = line.substr(not_converted.size(), equals - not_converted.size());
    const CLI::Option* option = nullptr;
    for (const CLI::App* verb = &command; verb != nullptr && option == nullptr; verb = verb->get_parent())
      option = verb->get_option_no_throw(flag);
    const bool whole = option != nullptr && option->get_type_name().starts_with("INT");
    return ConfigError(flag, equals == std::string::npos ? "" : "\"" + line.substr(equals + 3) + "\"",
                       whole ? "a whole number" : "a number", see_help(command))
        .what();
  }
  return printable_line(line) + " (" + see_help(command) + ")";
}

}  // namespace

std::optional<std::string> missing_argument(const CLI::App& app) {
  const std::vector<const CLI::App*> verbs = given_verbs(app);
  for (size_t i = 0; i + 1 < verbs.size(); ++i)
    for (const CLI::Option* option : verbs[i]->get_options())
      if (option->get_positional() && option->empty())
        return ConfigError(option->get_name() + " is required before " + verbs[i + 1]->get_name(), "",
                           usage_of(*verbs.back()))
            .what();
  return std::nullopt;
}

std::string usage_error(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<const CLI::App*> verbs = given_verbs(app);
  const CLI::App& command = *verbs.back();
  const bool verb_missing = !command.get_subcommands([](const CLI::App*) { return true; }).empty();
  std::vector<std::string> words;  // a verb with fallthrough leaves them to the one above
  for (const CLI::App* verb : verbs)
    for (const std::string& word : unused_by(*verb).words) words.push_back(word);
  if (verb_missing && !words.empty()) return unknown_verb(command, words);
  for (const CLI::App* verb : verbs)
    if (const Unused unused = unused_by(*verb); !unused.flags.empty())
      return printable_line(unknown_flag(unused.flags.front(), *verb, verbs));
  if (verb_missing) return unknown_verb(command, {});
  if (const auto missing = missing_argument(app)) return *missing;
  const bool lacks_one = std::ranges::any_of(command.get_options(), [](const CLI::Option* option) {
    return option->get_positional() && option->get_required() && option->empty();
  });
  for (size_t i = 0; i < verbs.size(); ++i)  // what comes too late for the last verb is left over of one above, too
    if (const Unused unused = unused_by(*verbs[i]); !unused.words.empty())
      return ConfigError("unexpected argument",
                         "\"" + unused.words.front() + "\"" +
                             (i + 1 < verbs.size() && lacks_one ? " before " + verbs[i + 1]->get_name() : ""),
                         usage_of(command))
          .what();
  return reworded(command, error);
}

}  // namespace tvae::apps
