// How long OpenMP's threads spin before they sleep, which can only be said before libgomp is loaded.
//
// libgomp's threads wait for one another by spinning for some milliseconds. Where other programs want the same cores, a
// thread then burns the time that the one it waits for needs, and a step of training takes several times as long. A few
// microseconds of spinning cost nothing that can be measured on a quiet machine, and little on a busy one. libgomp
// reads its settings in its constructor, so that the program starts itself once more with the setting in its
// environment. It does so from .preinit_array, before any library has run code of its own: that takes a few
// milliseconds.
#include <unistd.h>

#include <climits>
#include <cstddef>
#include <cstring>

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // those are first in the array themselves

namespace {

constexpr char kSetting[] = "GOMP_SPINCOUNT=3000";

bool begins(const char* text, const char* start) {
  return std::strncmp(text, start, std::strlen(start)) == 0;
}

/// Returns where the user has decided, in a program that was started by this function, and where that cannot be done.
void start_with_short_spins(int, char** arguments, char** environment) {
  size_t count = 0;
  for (; environment[count] != nullptr; ++count)
    if (begins(environment[count], "GOMP_SPINCOUNT=") || begins(environment[count], "OMP_WAIT_POLICY=")) return;
  char program[PATH_MAX];
  const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
  if (length <= 0 || length == sizeof program - 1) return;
  program[length] = '\0';
  constexpr size_t kMost = 4096;  // there is no heap yet
  if (count + 2 > kMost) return;
  char* extended[kMost];
  std::memcpy(extended, environment, count * sizeof(char*));
  extended[count] = const_cast<char*>(kSetting);
  extended[count + 1] = nullptr;
  execve(program, arguments, extended);
}

__attribute__((section(".preinit_array"), used)) void (*before_all_libraries)(int, char**,
                                                                              char**) = start_with_short_spins;

}  // namespace

#endif
