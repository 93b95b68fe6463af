// A verb of the command line: one file a verb. A file registers its verb with a static RegisterVerb object.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "apps/checks.h"

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

struct Verb {
  std::string name;
  std::string help;
  /// Adds the verb's own flags to `command` and returns what runs it. Whatever the flags write to must live in the
  /// returned function (a shared_ptr to a struct of options, as the verbs here do).
  std::function<RunVerb(CLI::App& command, const CommonOptions& common)> set_up;
};

std::vector<Verb>& verbs();

struct RegisterVerb {
  explicit RegisterVerb(Verb verb) { verbs().push_back(std::move(verb)); }
};

/// Prints a line to stdout; throws DataError when stdout cannot be written (a full disk), and exits quietly on a closed
/// pipe.
void print_line(const std::string& line);
inline void print_json(const nlohmann::ordered_json& json) {
  print_line(json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

}  // namespace tvae::apps
