// A command line at work, in both programs (main.cpp, tensors_main.cpp): flags are parsed, one verb runs, errors become
// exit statuses.
#pragma once

#include <exception>
#include <functional>
#include <new>
#include <string>
#include <vector>

namespace tvae::apps {

/// What a program that is linked with libtorch does besides; by default nothing.
struct TensorLibrary {
  std::function<void(int)> set_threads = [](int) {};
  /// Whether an error says that memory ran out.
  std::function<bool(const std::exception&)> is_out_of_memory = [](const std::exception& error) {
    return dynamic_cast<const std::bad_alloc*>(&error) != nullptr;
  };
  /// What an error says that nobody expected.
  std::function<std::string(const std::exception&)> message = [](const std::exception& error) { return error.what(); };
};

/// To be called first in main(): standard descriptors that the caller closed, and signals.
void prepare_process();

/// The arguments with the verb first, behind it the flags that stood before it, and `help VERB` as `VERB --help`; empty
/// where the guide is asked for. `is_verb` is asked for the VERB.
std::vector<std::string> verb_first(std::vector<std::string> arguments,
                                    const std::function<bool(const std::string&)>& is_verb);

/// Parses such arguments and runs the verb. Returns the exit status, or throws what the verb throws.
int run_verb(std::vector<std::string> arguments, const TensorLibrary& library = {});

/// The exit status of `work`, whose errors are told on stderr.
int exit_status(const std::function<int()>& work, const TensorLibrary& library = {});

/// To stdout. Throws DataError where it cannot be written.
void print_text(const std::string& text);

}  // namespace tvae::apps
