#include "tvae/base/memory.h"

#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <string>

namespace tvae {
namespace {

constexpr uint64_t kUnlimited = std::numeric_limits<uint64_t>::max();

/// Bytes from a line such as "MemAvailable:   1234 kB" of a file in /proc.
std::optional<uint64_t> bytes_in(const char* path, const std::string& name) {
  std::ifstream file(path);
  for (std::string word; file >> word;)
    if (uint64_t kibibytes = 0; word == name + ":" && file >> kibibytes) return kibibytes * 1024;
  return std::nullopt;
}

/// The number a file holds; nothing where it holds a word, as "max".
std::optional<uint64_t> number_in(const char* path) {
  std::ifstream file(path);
  if (uint64_t number = 0; file >> number) return number;
  return std::nullopt;
}

uint64_t left_of(uint64_t limit, std::optional<uint64_t> used) {
  return limit - std::min(limit, used.value_or(0));
}

}  // namespace

uint64_t available_memory() {
  uint64_t available = bytes_in("/proc/meminfo", "MemAvailable").value_or(kUnlimited);
  // Version 2 of control groups, as a process within a container sees its own.
  if (const auto limit = number_in("/sys/fs/cgroup/memory.max"))
    available = std::min(available, left_of(*limit, number_in("/sys/fs/cgroup/memory.current")));
  rlimit limit = {};
  if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
    available = std::min(available, left_of(limit.rlim_cur, bytes_in("/proc/self/status", "VmSize")));
  return available;
}

uint64_t peak_resident_memory() {
  return bytes_in("/proc/self/status", "VmHWM").value_or(0);
}

void keep_freed_memory() {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
#endif
}

}  // namespace tvae
