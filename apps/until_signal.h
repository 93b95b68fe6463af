// Ctrl-C for work that saves its state before it ends.
#pragma once

#include "tvae/base/progress.h"

namespace tvae::apps {

/// Ends the work that it listens to once SIGINT or SIGTERM has come. A second signal ends the program as usual.
class UntilSignal : public Progress {
 public:
  UntilSignal();
  void update(const char* what, int64_t done, int64_t total) override;
};

}  // namespace tvae::apps
