#include "apps/until_signal.h"

#include <csignal>

#include "tvae/base/error.h"

namespace tvae::apps {
namespace {

volatile std::sig_atomic_t signalled = 0;

void on_signal(int signal) {
  signalled = 1;
  std::signal(signal, SIG_DFL);
}

}  // namespace

UntilSignal::UntilSignal() {
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
}

void UntilSignal::update(const char* what, int64_t, int64_t) {
  if (signalled) throw Interrupted(std::string("interrupted while ") + what);
}

}  // namespace tvae::apps
