// How long work tells how far it has come, and is stopped: one small interface for a bar, a tqdm and an HTTP stream.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "tvae/base/error.h"

namespace tvae {

class Progress {
 public:
  virtual ~Progress() = default;
  /// `done` of `total` units of `what` ("encoding", "decoding") are done; a total of 0 is not known. Called by the
  /// thread that was called, several times a second. Whatever this throws (Interrupted, most often) ends the work and
  /// leaves through the call that was made; nothing half-done stays.
  virtual void update(const char* what, int64_t done, int64_t total) = 0;

  /// Nobody listens.
  static Progress& none();
};

/// Stops work once stop() was called, from any thread.
class StopFlag : public Progress {
 public:
  void stop() { stopped_ = true; }
  void update(const char* what, int64_t, int64_t) override {
    if (stopped_) throw Interrupted(std::string("interrupted while ") + what);
  }

 private:
  std::atomic<bool> stopped_ = false;
};

inline Progress& Progress::none() {
  class Nobody : public Progress {
    void update(const char*, int64_t, int64_t) override {}
  };
  static Nobody nobody;
  return nobody;
}

}  // namespace tvae
