#include "tvae/base/error.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <execinfo.h>

#include <cstdlib>
#include <memory>

#include "tvae/base/printable.h"

namespace tvae {
namespace {

constexpr int kMostFrames = 40;

std::string one_line(const std::string& what, const std::string& got, const std::string& expected,
                     const std::string& hint) {
  std::string line = what;
  if (!got.empty()) line += ": got " + got;
  if (!expected.empty()) line += (got.empty() ? ": expected " : ", expected ") + expected;
  if (!hint.empty()) line += " (" + hint + ")";
  return printable_line(line);
}

}  // namespace

Error::Error(ExitCode code, const std::string& what, const std::string& got, const std::string& expected,
             const std::string& hint)
    : std::runtime_error(one_line(what, got, expected, hint)), code_(code), frames_(kMostFrames) {
  frames_.resize(backtrace(frames_.data(), kMostFrames));
}

std::string Error::trace() const {
  std::string lines;
  for (void* frame : frames_) {
    Dl_info place = {};
    if (dladdr(frame, &place) == 0 || place.dli_sname == nullptr) continue;
    int status = 0;
    const std::unique_ptr<char, decltype(&std::free)> name(
        abi::__cxa_demangle(place.dli_sname, nullptr, nullptr, &status), &std::free);
    lines += std::string(lines.empty() ? "  in " : "\n  in ") + (status == 0 ? name.get() : place.dli_sname);
  }
  return lines;
}

}  // namespace tvae
