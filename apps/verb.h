// A verb of the command line: one file a verb, which registers it (CONTRIBUTING.md).
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "apps/checks.h"
#include "tvae/base/registry.h"

namespace tvae::apps {

/// Flags every verb takes.
struct CommonOptions {
  bool json = false;
  std::string device = "auto";  // auto, cpu, cuda, cuda:N
  int64_t threads = 0;          // 0 = as many as the machine has
  int64_t seed = 42;
  bool seed_given = false;
  bool quiet = false;
  bool verbose = false;
};

/// What a verb's set-up returns: runs the verb after parsing. Errors leave as exceptions; main maps them to exit codes.
using RunVerb = std::function<void()>;

/// Adds a verb's own flags to `command` and returns what runs it. Whatever the flags write to must live in the returned
/// function (a shared_ptr to a struct of options, as the verbs here do).
using SetUpVerb = std::function<RunVerb(CLI::App& command, const CommonOptions& common)>;
using Verb = Registry<SetUpVerb>::Entry;

Registry<SetUpVerb>& verbs();
/// Whether this program has a verb.
bool has_verb(const std::string& name);

/// Adds verbs below a verb, of which one has to be given, and returns what runs it. --json and the like may come last.
RunVerb set_up_below(CLI::App& command, const CommonOptions& common, const std::vector<Verb>& below);

/// Commands that --help shows at its end; called after the verbs below a verb are added, which would inherit them.
void add_examples(CLI::App& command, const std::vector<std::string>& examples);

/// Prints a line to stdout; throws DataError when stdout cannot be written (a full disk), and exits quietly on a closed
/// pipe.
void print_line(const std::string& line);
inline void print_json(const nlohmann::ordered_json& json) {
  print_line(json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

}  // namespace tvae::apps
