#include "apps/command_line.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <sstream>
#include <system_error>

#include "apps/guide.h"
#include "apps/help.h"
#include "apps/usage.h"
#include "apps/verb.h"
#include "tvae/base/assert.h"
#include "tvae/base/bytes.h"
#include "tvae/base/error.h"
#include "tvae/base/log.h"
#include "tvae/base/printable.h"
#include "tvae/base/threads.h"

namespace tvae::apps {

namespace {

void add_common_flags(CLI::App& command, CommonOptions& common) {
  const std::vector<CLI::Option*> flags = {
      command.get_help_ptr(),
      command.add_flag("--json", common.json, "for programs: print JSON, one object, or one a line"),
      command
          .add_option("--device", common.device, "what computes: auto (a GPU where there is one), cpu, cuda, cuda:N")
          ->type_name("NAME")
          ->capture_default_str(),
      command.add_option("--threads", common.threads, "processor threads; 0 = all")
          ->check(in_range(0, 4096))
          ->capture_default_str(),
      command.add_option("--seed", common.seed, "seed of everything that is drawn at random")
          ->check(in_range(0, 9e15))
          ->capture_default_str(),
      command.add_flag("--quiet", common.quiet, "no progress, warnings only"),
      command.add_flag("--verbose", common.verbose, "more progress, and where an error came from")};
  for (CLI::Option* flag : flags) flag->group(kCommonGroup);
}

int fail(ExitCode code, const std::string& message) {
  std::fflush(stdout);
  if (!message.empty()) std::fprintf(stderr, "tvae: %s\n", message.c_str());  // else another process has said it
  return static_cast<int>(code);
}

/// What the library says would help, as a command.
std::string with_command(const Error& error) {
  static const std::map<Remedy, std::string> commands = {
      {Remedy::kFitPrior, "tvae prior fit MODEL"}, {Remedy::kFitDirection, "tvae direction MODEL fit"},
      {Remedy::kGiveTexts, "--data FILE"},         {Remedy::kGiveTrainingTexts, "--train FILE"},
      {Remedy::kGiveCorpus, "--corpus FILE"},      {Remedy::kListPresets, "tvae presets"},
      {Remedy::kAssign, "--set KEY=VALUE"}};
  std::string message = error.what();
  const auto command = commands.find(error.remedy());
  if (command == commands.end()) return message;
  if (!message.ends_with(")")) return message + " (" + command->second + ")";
  return message.substr(0, message.size() - 1) + ": " + command->second + ")";
}

/// Opens those of the standard descriptors that the caller closed, so that no file of ours takes their numbers and gets
/// what is meant for them. Nothing can be read from or written to what stdin and stdout then are, as before; messages
/// go nowhere.
void reserve_standard_descriptors() {
  const auto reserve = [](int descriptor, int flags) {
    if (fcntl(descriptor, F_GETFD) == -1 && errno == EBADF && open("/dev/null", flags) != descriptor)
      std::_Exit(static_cast<int>(ExitCode::kData));
  };
  reserve(STDIN_FILENO, O_WRONLY);
  reserve(STDOUT_FILENO, O_RDONLY);
  reserve(STDERR_FILENO, O_WRONLY);
}

void flush_stdout() {
  if (std::fflush(stdout) != 0) throw DataError("cannot write to stdout", std::strerror(errno));
}

/// One line for what is thrown where memory runs out, with how much was asked for where libtorch tells.
std::string out_of_memory(const std::exception& error) {
  const std::string what = error.what(), before = "you tried to allocate ";
  const size_t found = what.find(before);
  const int64_t bytes = found == std::string::npos ? 0 : std::atoll(what.c_str() + found + before.size());
  return "out of memory" + (bytes > 0 ? ": " + bytes_text(bytes) + " more were needed" : "") +
         " (a smaller batch, shorter sequences or a smaller model need less; tvae plan says how much)";
}

/// The flags of every verb that stand before the verb, behind it, where they belong.
std::vector<std::string> with_flags_behind_verb(std::vector<std::string> arguments) {
  static const std::vector<std::string> alone = {"--json", "--quiet", "--verbose"},
                                        with_value = {"--device", "--threads", "--seed"};
  const auto is_one_of = [](const std::string& flag, const std::vector<std::string>& of) {
    return std::find(of.begin(), of.end(), flag.substr(0, flag.find('='))) != of.end();
  };
  size_t verb = 0;
  while (verb < arguments.size() && (is_one_of(arguments[verb], alone) || is_one_of(arguments[verb], with_value)))
    verb += is_one_of(arguments[verb], with_value) && arguments[verb].find('=') == std::string::npos ? 2 : 1;
  if (verb < arguments.size())
    std::rotate(arguments.begin(), arguments.begin() + static_cast<std::ptrdiff_t>(verb),
                arguments.begin() + static_cast<std::ptrdiff_t>(verb) + 1);
  return arguments;
}

}  // namespace

void print_text(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size())
    throw DataError("cannot write to stdout", std::strerror(errno));
  flush_stdout();
}

void prepare_process() {
  reserve_standard_descriptors();
  std::signal(SIGPIPE, SIG_DFL);  // `tvae ... | head` ends quietly
  std::signal(SIGXFSZ, SIG_IGN);  // a file above the limit is an error of write() as a full disk is
}

std::vector<std::string> verb_first(std::vector<std::string> arguments,
                                    const std::function<bool(const std::string&)>& is_verb) {
  if (arguments.empty() || arguments[0] != "help") return with_flags_behind_verb(std::move(arguments));
  arguments.erase(arguments.begin());
  if (arguments.empty() || arguments[0] == "help" || arguments[0] == "--help" || arguments[0] == "-h") return {};
  if (is_verb(arguments[0])) arguments.emplace_back("--help");
  return with_flags_behind_verb(std::move(arguments));
}

int run_verb(std::vector<std::string> arguments, const TensorLibrary& library) {
  if (arguments.empty()) {
    print_text(kGuide);
    return static_cast<int>(ExitCode::kDone);
  }
  CLI::App app("Transformer-VAE: a smooth latent space of sequences", "tvae");
  app.formatter(std::make_shared<HelpFormatter>());
  app.set_help_flag("-h,--help", "this page");
  app.set_version_flag("--version", std::string("tvae ") + TVAE_VERSION)->description("the version of the program");
  app.require_subcommand(1);
  app.failure_message(CLI::FailureMessage::simple);
  CommonOptions common;
  std::function<void()> chosen;
  for (const auto& [name, help, set_up, order] : verbs().entries()) {
    CLI::App* command = app.add_subcommand(name, help);
    add_common_flags(*command, common);
    const RunVerb run = set_up(*command, common);
    command->callback([&chosen, run] { chosen = run; });
  }
  app.footer("tvae help VERB tells the arguments and flags of a verb.");  // verbs would inherit one that was there
  try {
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 takes them
    app.parse(arguments);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {  // --help, --version
      std::ostringstream shown;
      app.exit(error, shown, shown);
      print_text(shown.str());
      return static_cast<int>(ExitCode::kDone);
    }
    return fail(ExitCode::kUsage, usage_error(app, error));
  }
  if (const auto missing = missing_argument(app)) return fail(ExitCode::kUsage, *missing);
  for (CLI::App* command : app.get_subcommands()) common.seed_given = command->count("--seed") > 0;
  if (common.quiet) set_log_level(LogLevel::kQuiet);
  if (common.verbose) set_log_level(LogLevel::kVerbose);
  if (common.threads > 0) {
    library.set_threads(static_cast<int>(common.threads));
    set_max_threads(static_cast<size_t>(common.threads));
  }
  chosen();
  flush_stdout();
  return static_cast<int>(ExitCode::kDone);
}

int exit_status(const std::function<int()>& work, const TensorLibrary& library) {
  const auto verbose = [] { return log_level() == LogLevel::kVerbose; };
  try {
    return work();
  } catch (const Error& error) {
    return fail(error.exit_code(), with_command(error) + (verbose() ? "\n" + error.trace() : ""));
  } catch (const std::filesystem::filesystem_error& error) {
    return fail(ExitCode::kData, printable_line(error.path1().string()) + ": " + error.code().message());
  } catch (const std::system_error& error) {  // no descriptors, no threads
    return fail(ExitCode::kData, "the system refused: " + error.code().message());
  } catch (const std::exception& error) {
    if (library.is_out_of_memory(error)) return fail(ExitCode::kUsage, out_of_memory(error));
    return fail(ExitCode::kBug, "internal error: " + printable_line(library.message(error)));
  }
}

}  // namespace tvae::apps
