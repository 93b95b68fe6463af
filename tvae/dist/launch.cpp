#include "tvae/dist/launch.h"

#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <sstream>

#include "tvae/base/error.h"
#include "tvae/base/files.h"

namespace tvae {
namespace {

constexpr char kHint[] = "torchrun sets it";

std::optional<std::string> variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? std::nullopt : std::optional<std::string>(value);
}

int number(const char* name, const std::string& text, int from, int to) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < from || value > to)
    throw ConfigError(std::string("the environment variable ") + name, "\"" + text + "\"",
                      "a number from " + std::to_string(from) + " to " + std::to_string(to));
  return value;
}

std::string required(const char* name) {
  const auto value = variable(name);
  if (!value)
    throw ConfigError(std::string("the environment variable ") + name,
                      "none, though WORLD_SIZE says that there are several processes", "", kHint);
  return *value;
}

}  // namespace

int restarts_of_environment() {
  return number("TORCHELASTIC_RESTART_COUNT", variable("TORCHELASTIC_RESTART_COUNT").value_or("0"), 0, 1 << 30);
}

std::optional<Launch> launch_of_environment() {
  constexpr int kMostProcesses = 1 << 16;
  const auto size = variable("WORLD_SIZE");
  if (!size) return std::nullopt;
  Launch launch;
  launch.world_size = number("WORLD_SIZE", *size, 1, kMostProcesses);
  if (launch.world_size == 1) return std::nullopt;
  launch.rank = number("RANK", required("RANK"), 0, launch.world_size - 1);
  launch.master_address = required("MASTER_ADDR");
  launch.master_port = number("MASTER_PORT", required("MASTER_PORT"), 1, 65535);
  launch.local_world_size =
      number("LOCAL_WORLD_SIZE", variable("LOCAL_WORLD_SIZE").value_or("1"), 1, launch.world_size);
  launch.local_rank = number("LOCAL_RANK", variable("LOCAL_RANK").value_or("0"), 0, launch.world_size - 1);
  launch.restarts = restarts_of_environment();
  launch.has_store = variable("TORCHELASTIC_USE_AGENT_STORE") == "True";
  return launch;
}

bool written_since_parent_started(const std::string& path) {
  struct stat file = {};
  if (::stat(path.c_str(), &file) != 0) return false;
  try {
    // proc(5): the 22nd field is the start in ticks since the boot; the second, the name, may hold anything.
    const std::string stat = read_file("/proc/" + std::to_string(::getppid()) + "/stat"),
                      boot = read_file("/proc/stat");
    std::istringstream fields(stat.substr(stat.rfind(')') + 1)), rest(boot.substr(boot.find("btime ") + 6));
    std::string field;
    for (int i = 3; i <= 22; ++i) fields >> field;
    long long booted = 0;
    rest >> booted;
    return static_cast<long long>(file.st_mtime) >= booted + std::stoll(field) / ::sysconf(_SC_CLK_TCK);
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace tvae
