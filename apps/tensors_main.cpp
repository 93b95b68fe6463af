// tvae-tensors: the program with every verb, linked with libtorch. People start tvae, which becomes this one for verbs
// that need tensors (main.cpp).
#include <ATen/Parallel.h>
#include <c10/util/Exception.h>

#include <cstdio>
#include <cstdlib>

#include "apps/command_line.h"
#include "apps/verb.h"
#include "tvae/base/log.h"
#include "tvae/base/memory.h"
#include "tvae/ops/out_of_memory.h"

namespace tvae::apps {
namespace {

/// Of an error of libtorch without the trace that it brings along, and without the lines that follow the first.
std::string message(const std::exception& error) {
  const auto* from_libtorch = dynamic_cast<const c10::Error*>(&error);
  if (from_libtorch == nullptr || log_level() == LogLevel::kVerbose) return error.what();
  const std::string what = from_libtorch->what_without_backtrace();
  return what.substr(0, what.find('\n'));
}

int run(int argc, char** argv) {
  prepare_process();
  keep_freed_memory();
  throw_where_memory_runs_out();
  const TensorLibrary library = {
      .set_threads = at::set_num_threads, .is_out_of_memory = is_out_of_memory, .message = message};
  return exit_status([&] { return run_verb(verb_first({argv + 1, argv + argc}, has_verb), library); }, library);
}

}  // namespace
}  // namespace tvae::apps

int main(int argc, char** argv) {
  const int status = tvae::apps::run(argc, argv);
  std::fflush(nullptr);
  std::_Exit(status);  // libtorch would take its registries of operators apart for a fifteenth of a second
}
