// Errors of the outside world (files, flags, data), each one clear line. Our own bugs are TVAE_ASSERT (assert.h).
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

namespace tvae {

/// Exit status of the program; a contract of the manual.
enum class ExitCode : int { kDone = 0, kBug = 1, kUsage = 2, kData = 3, kInterrupted = 130 };

/// What would help, where a front end has its own way to do it: the program names a command, Python a method.
enum class Remedy { kNone, kFitPrior, kFitDirection, kGiveTexts, kGiveTrainingTexts, kGiveCorpus, kListPresets, kAssign };

/// One line made of: what is wrong, what was got, what was expected, and what to try. Empty parts are left out.
/// Line breaks inside a part become spaces, so that the message is always one line.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& what, const std::string& got = "", const std::string& expected = "",
        const std::string& hint = "");
  ExitCode exit_code() const { return code_; }
  Remedy remedy() const { return remedy_; }
  void set_remedy(Remedy remedy) { remedy_ = remedy; }
  /// The functions that were running when the error was made, one a line, innermost first.
  std::string trace() const;

 private:
  ExitCode code_;
  Remedy remedy_ = Remedy::kNone;
  std::vector<void*> frames_;
};

/// Wrong flags, keys, values or combinations of them. Exit status 2.
class ConfigError : public Error {
 public:
  explicit ConfigError(const std::string& what, const std::string& got = "", const std::string& expected = "",
                       const std::string& hint = "")
      : Error(ExitCode::kUsage, what, got, expected, hint) {}
};

/// Unreadable or unwritable files and bad rows. Exit status 3.
class DataError : public Error {
 public:
  explicit DataError(const std::string& what, const std::string& got = "", const std::string& expected = "",
                     const std::string& hint = "")
      : Error(ExitCode::kData, what, got, expected, hint) {}
};

/// A model directory, weight file or checkpoint that cannot be used. Exit status 3.
class CheckpointError : public Error {
 public:
  explicit CheckpointError(const std::string& what, const std::string& got = "", const std::string& expected = "",
                           const std::string& hint = "")
      : Error(ExitCode::kData, what, got, expected, hint) {}
};

/// The error with a remedy: throw with_remedy(DataError("..."), Remedy::kFitPrior).
template <class Kind>
Kind with_remedy(Kind error, Remedy remedy) {
  error.set_remedy(remedy);
  return error;
}

/// The work was asked to stop (SIGINT, SIGTERM, a caller); what there is to save is saved. Exit status 130.
class Interrupted : public Error {
 public:
  explicit Interrupted(const std::string& what) : Error(ExitCode::kInterrupted, what) {}
};

}  // namespace tvae
