#include "tvae/base/error.h"

#include <algorithm>

namespace tvae {
namespace {

std::string one_line(const std::string& what, const std::string& got, const std::string& expected,
                     const std::string& hint) {
  std::string line = what;
  if (!got.empty()) line += ": got " + got;
  if (!expected.empty()) line += (got.empty() ? ": expected " : ", expected ") + expected;
  if (!hint.empty()) line += " (" + hint + ")";
  std::replace(line.begin(), line.end(), '\n', ' ');
  std::replace(line.begin(), line.end(), '\r', ' ');
  return line;
}

}  // namespace

Error::Error(ExitCode code, const std::string& what, const std::string& got, const std::string& expected,
             const std::string& hint)
    : std::runtime_error(one_line(what, got, expected, hint)), code_(code) {}

}  // namespace tvae
