// Another program at work for this one, at the other end of a socket.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

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
  bool own_group_;
};

}  // namespace tvae
