// Another program at work for this one, at the other end of a socket.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tvae/base/progress.h"

namespace tvae {

/// A child process whose stdin and stdout are a socket to this one: writing to a dead child is then an error here and
/// no SIGPIPE. Killed where it still runs at the end of the object.
class ChildProcess {
 public:
  struct Options {
    bool own_group = false;   // Ctrl-C in the terminal is for this process alone
    bool quiet = true;        // its stderr goes nowhere
    int64_t cpu_seconds = 0;  // of processor time, after which the system kills it; 0 = no limit
  };

  /// Runs `program` with these arguments (argv[0] first). Throws DataError where the system cannot: no such program, no
  /// process or file descriptor left.
  ChildProcess(const std::string& program, const std::vector<std::string>& arguments, const Options& options);
  /// A copy of this process, which writes what `write` gives and ends. It has this thread alone, so that `write` may
  /// use nothing that another thread may hold just now. Ctrl-C is for this process, at whose end it is killed.
  explicit ChildProcess(const std::function<std::string()>& write);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  enum class Outcome { kDone, kEnded, kTimeout };
  /// Sends bytes. kEnded: the child reads no more. kTimeout: for so long it took nothing.
  Outcome send(std::string_view bytes, std::chrono::milliseconds patience);
  /// Waits for one byte. kEnded: the child will write none.
  Outcome receive(char& byte, std::chrono::milliseconds patience);
  /// What the child still writes, to its end.
  std::string receive_all();
  /// Waits for the end. Its exit status, or minus the signal that ended it.
  int wait();

 private:
  Outcome wait_for(short events, std::chrono::milliseconds patience) const;

  int socket_ = -1;
  pid_t process_ = -1;
  bool own_group_ = false;
};

/// What `work` gives, for work of a library that nothing can stop: it is done by a copy of this process
/// (ChildProcess(write)), which is killed where the progress throws, as it is told ten times a second. What `work`
/// throws comes back as DataError.
std::string done_by_a_copy(const char* what, const std::function<std::string()>& work, Progress& progress);

}  // namespace tvae
