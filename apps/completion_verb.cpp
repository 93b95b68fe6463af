// tvae completion: what a shell needs to complete tvae's command lines, and a man page, from the same flags that parse
// them. `make install` puts them where shells and man look.
#include <algorithm>
#include <map>
#include <memory>

#include "apps/guide.h"
#include "apps/verb.h"
#include "tvae/base/strings.h"
#include "tvae/config/presets.h"

namespace tvae::apps {
namespace {

/// A verb with the words that lead to it: "", "eval", "prior fit".
struct Command {
  std::string path;
  const CLI::App* app;
};

std::vector<const CLI::App*> below(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

void add_commands(const CLI::App& app, const std::string& path, std::vector<Command>& commands) {
  commands.push_back({path, &app});
  for (const CLI::App* verb : below(app))
    add_commands(*verb, path + (path.empty() ? "" : " ") + verb->get_name(), commands);
}

/// Its own flags, and those of the verb above it, which may come behind it.
std::vector<const CLI::Option*> flags_of(const CLI::App& app) {
  const auto is_flag = [](const CLI::Option* option) { return option->nonpositional(); };
  std::vector<const CLI::Option*> flags = app.get_options(is_flag);
  const CLI::App* above = app.get_parent();
  if (above == nullptr || above->get_parent() == nullptr) return flags;
  for (const CLI::Option* flag : above->get_options(is_flag))
    if (flag != above->get_help_ptr()) flags.push_back(flag);
  return flags;
}

std::vector<std::string> names_of(const CLI::Option& flag) {
  std::vector<std::string> names;
  for (const std::string& name : flag.get_snames()) names.push_back("-" + name);
  for (const std::string& name : flag.get_lnames()) names.push_back("--" + name);
  return names;
}

/// "a|b" among the words that describe a value.
std::vector<std::string> choices_of(const CLI::Option& flag) {
  const std::string type = flag.get_type_name();
  if (type.find('|') == std::string::npos) return {};
  return split(type.substr(type.find(':') + 1), '|');
}

bool takes_presets(const CLI::App& app) {
  const auto positionals = app.get_options([](const CLI::Option* option) { return option->get_positional(); });
  return app.get_name() == "presets" ||
         std::any_of(positionals.begin(), positionals.end(),
                     [](const CLI::Option* option) { return option->get_name(true, false) == "PRESET"; });
}

std::string preset_names() {
  std::vector<std::string> names;
  for (const Preset& preset : all_presets()) names.push_back(preset.name);
  return join(names, " ");
}

/// Of a command the words that can come next, flags without their "-" words aside.
std::string words_of(const CLI::App& app) {
  std::vector<std::string> words;
  for (const CLI::App* verb : below(app)) words.push_back(verb->get_name());
  return takes_presets(app) ? preset_names() : join(words, " ");
}

std::string flag_words(const CLI::App& app) {
  std::vector<std::string> words;
  for (const CLI::Option* flag : flags_of(app))
    for (const std::string& name : names_of(*flag)) words.push_back(name);
  return join(words, " ");
}

/// A case for each command, and in it for each flag with choices.
std::string cases(const std::vector<Command>& commands) {
  std::string verbs, choices, flags, words;
  for (const auto& [path, app] : commands) {
    if (!path.empty()) {
      const size_t last = path.rfind(' ');
      const std::string before = last == std::string::npos ? "" : path.substr(0, last);
      verbs += "      '" + before + "|" + app->get_name() + "') verb='" + path + "' ;;\n";
    }
    for (const CLI::Option* flag : flags_of(*app))
      if (const auto values = choices_of(*flag); !values.empty())
        for (const std::string& name : names_of(*flag))
          choices += "    '" + path + "|" + name + "') offer='" + join(values, " ") + "' ;;\n";
    flags += "      '" + path + "') offer='" + flag_words(*app) + "' ;;\n";
    if (const std::string next = words_of(*app); !next.empty())
      words += "      '" + path + "') offer='" + next + "' ;;\n";
  }
  return "  for word in \"${before[@]}\"; do\n    case \"$verb|$word\" in\n" + verbs +
         "    esac\n  done\n  case \"$verb|$last\" in\n" + choices +
         "  esac\n  if [ -z \"$offer\" ]; then\n    case \"$current\" in\n    -*) case \"$verb\" in\n" + flags +
         "    esac ;;\n    *) case \"$verb\" in\n" + words + "    esac ;;\n    esac\n  fi\n";
}

std::string bash_completion(const std::vector<Command>& commands) {
  return "# bash completion of tvae; files where nothing else fits\n_tvae() {\n"
         "  local current=\"${COMP_WORDS[COMP_CWORD]}\" last=\"${COMP_WORDS[COMP_CWORD-1]}\" verb='' offer='' word\n"
         "  local before=(\"${COMP_WORDS[@]:1:COMP_CWORD-1}\")\n" +
         cases(commands) +
         "  mapfile -t COMPREPLY < <(compgen -W \"$offer\" -- \"$current\")\n}\n"
         "complete -o default -F _tvae tvae\n";
}

std::string zsh_completion(const std::vector<Command>& commands) {
  return "#compdef tvae\n# zsh completion of tvae; files where nothing else fits\n"
         "_tvae() {\n"
         "  local current=\"${words[CURRENT]}\" last=\"${words[CURRENT-1]}\" verb='' offer='' word\n"
         "  local -a before; before=(\"${(@)words[2,CURRENT-1]}\")\n" +
         cases(commands) +
         "  compadd -- ${=offer} && [ -n \"$offer\" ] || _files\n}\n"
         "if [ \"$funcstack[1]\" = _tvae ]; then _tvae \"$@\"; else compdef _tvae tvae; fi\n";
}

/// In single quotes.
std::string fish_quoted(const std::string& text) {
  std::string quoted;
  for (const char c : text) quoted += (c == '\'' || c == '\\') ? std::string("\\") + c : std::string(1, c);
  return "'" + quoted + "'";
}

std::string fish_completion(const std::vector<Command>& commands) {
  std::string script = "# fish completion of tvae\n";
  for (const auto& [path, app] : commands) {
    std::vector<std::string> others;  // of the verbs below this one none is there yet
    for (const CLI::App* verb : below(*app)) others.push_back(verb->get_name());
    std::string when = path.empty() ? "" : "__fish_seen_subcommand_from " + path.substr(path.rfind(' ') + 1);
    const std::string here = "complete -c tvae" + (when.empty() ? "" : " -n " + fish_quoted(when));
    const std::string none = others.empty() ? "" : "not __fish_seen_subcommand_from " + join(others, " ");
    for (const CLI::App* verb : below(*app))
      script += "complete -c tvae -f -n " + fish_quoted(when.empty() ? none : when + "; and " + none) + " -a " +
                verb->get_name() + " -d " + fish_quoted(verb->get_description()) + "\n";
    if (takes_presets(*app)) script += here + " -a " + fish_quoted(preset_names()) + "\n";
    for (const CLI::Option* flag : flags_of(*app)) {
      script += here;
      for (const std::string& name : flag->get_snames()) script += " -s " + name;
      for (const std::string& name : flag->get_lnames()) script += " -l " + name;
      if (flag->get_type_size() != 0) script += " -r";
      if (const auto values = choices_of(*flag); !values.empty()) script += " -f -a " + fish_quoted(join(values, " "));
      script += " -d " + fish_quoted(flag->get_description()) + "\n";
    }
  }
  return script;
}

/// Lines as they are, in roff.
std::string roff(const std::string& text) {
  std::string out = ".nf\n";
  for (const std::string& line : split(text, '\n')) {
    std::string escaped;
    for (const char c : line) escaped += c == '\\' ? "\\e" : c == '-' ? "\\-" : std::string(1, c);
    out += (escaped.starts_with('.') || escaped.starts_with('\'') ? "\\&" : "") + escaped + "\n";
  }
  return out + ".fi\n";
}

std::string page_of(const CLI::App& app) {
  return app.get_formatter()->make_help(&app, "", CLI::AppFormatMode::Normal);
}

std::string man_page(const std::vector<Command>& commands) {
  std::string page =
      ".TH TVAE 1\n.SH NAME\ntvae \\- a Transformer\\-VAE: smooth latent spaces of sequences\n"
      ".SH SYNOPSIS\n.B tvae\nVERB [flags]\n.SH DESCRIPTION\n" +
      roff(kGuide);
  for (const auto& [path, app] : commands)
    page += ".SH " + (path.empty() ? "VERBS" : "TVAE " + path) + "\n" + roff(page_of(*app));
  return page;
}

using Writer = std::string (*)(const std::vector<Command>&);
const std::map<std::string, Writer> kWriters = {
    {"bash", bash_completion}, {"zsh", zsh_completion}, {"fish", fish_completion}, {"man", man_page}};

/// All of these and the page of every command, by the command line that asks for them.
std::string answers(const std::vector<Command>& commands) {
  nlohmann::ordered_json texts;
  for (const auto& [path, app] : commands) texts[path + (path.empty() ? "" : " ") + "--help"] = page_of(*app);
  for (const auto& [kind, write] : kWriters) texts["completion " + kind] = write(commands);
  return texts.dump() + "\n";
}

RunVerb set_up(CLI::App& command, const CommonOptions&) {
  auto kind = std::make_shared<std::string>();
  std::vector<std::string> kinds;
  for (const auto& [name, write] : kWriters) kinds.push_back(name);
  kinds.emplace_back("json");
  command
      .add_option("KIND", *kind,
                  "a shell, man for the man page, or json for these and the pages of all verbs, by command line")
      ->check(one_of(kinds))
      ->required();
  add_examples(command, {"source <(tvae completion bash)", "tvae completion man > tvae.1"});
  return [kind, &command] {
    const CLI::App* root = &command;
    while (root->get_parent() != nullptr) root = root->get_parent();
    std::vector<Command> commands;
    add_commands(*root, "", commands);
    std::string text = *kind == "json" ? answers(commands) : kWriters.at(*kind)(commands);
    text.pop_back();
    print_line(text);
  };
}

const Register<SetUpVerb> registered(verbs(), {"completion",
                                               "print what completes command lines in a shell, or a man page", set_up});

}  // namespace
}  // namespace tvae::apps
