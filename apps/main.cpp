// tvae, the program that people start: it is linked without libtorch, which takes a quarter of a second to load. What
// it is asked about itself it answers, and the verbs that need no tensors it runs; for everything else it becomes
// tvae-tensors, which lies beside it.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>

#include "apps/answers.h"
#include "apps/command_line.h"
#include "apps/verb.h"
#include "tvae/base/error.h"
#include "tvae/base/strings.h"

namespace tvae::apps {
namespace {

const nlohmann::json& answers() {
  static const nlohmann::json parsed = nlohmann::json::parse(answers_json());
  return parsed;
}

/// What tvae-tensors would print, where the arguments only ask for that.
std::optional<std::string> answer_to(std::vector<std::string> arguments) {
  if (!arguments.empty() && arguments.back() == "-h") arguments.back() = "--help";
  const auto found = answers().find(join(arguments, " "));
  const bool of_words = std::none_of(arguments.begin(), arguments.end(),
                                     [](const std::string& word) { return word.find(' ') != std::string::npos; });
  return found == answers().end() || !of_words ? std::nullopt : std::optional(found->get<std::string>());
}

/// Starts tvae-tensors in this process, with the same arguments. Throws DataError where that cannot be done.
///
/// libgomp's threads wait for one another by spinning for some milliseconds. Where other programs want the same cores,
/// a thread then burns the time that the one it waits for needs, and a step of training takes several times as long. A
/// few microseconds of spinning cost nothing that can be measured on a quiet machine, and little on a busy one. libgomp
/// reads its settings when it is loaded, so they are given to it here, unless the user has decided.
[[noreturn]] void become_tensors(char** argv) {
  if (std::getenv("OMP_WAIT_POLICY") == nullptr) setenv("GOMP_SPINCOUNT", "3000", /*overwrite=*/0);
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "tvae-tensors";
  execv(program.c_str(), argv);
  throw DataError("cannot start " + program.string() + ": " + std::strerror(errno), "", "",
                  "it belongs into the folder of tvae, which needs it for this");
}

int run(int argc, char** argv) {
  const auto is_verb = [](const std::string& word) { return answers().contains(word + " --help"); };
  const std::vector<std::string> arguments = verb_first({argv + 1, argv + argc}, is_verb);
  if (const auto answer = answer_to(arguments)) {
    print_text(*answer);
    return static_cast<int>(ExitCode::kDone);
  }
  const bool asks_for_version = arguments.size() == 1 && arguments[0] == "--version";
  if (arguments.empty() || asks_for_version || has_verb(arguments[0])) return run_verb(arguments);
  become_tensors(argv);
}

}  // namespace
}  // namespace tvae::apps

int main(int argc, char** argv) {
  tvae::apps::prepare_process();
  return tvae::apps::exit_status([&] { return tvae::apps::run(argc, argv); });
}
