// Long work that somebody started and comes back to.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tvae/base/progress.h"

namespace tvae::server {

/// Runs one job after the other, on a thread of its own.
class Jobs {
 public:
  using Json = nlohmann::ordered_json;
  /// Gives the result, an object or null. Throws Interrupted when its progress does.
  using Work = std::function<Json(Progress& progress)>;

  Jobs();
  /// Cancels what runs and waits for it.
  ~Jobs();

  /// Starts when those before it are done. Returns its id. The oldest jobs that are over are forgotten beyond
  /// kMostRemembered.
  std::string start(const std::string& kind, int64_t model, Work work);
  /// Schema Job of openapi.json; nullopt for an unknown id.
  std::optional<Json> describe(const std::string& id) const;
  std::vector<Json> describe_all() const;
  /// False for an unknown id. One that is over stays as it is.
  bool cancel(const std::string& id);
  /// Whether so many wait that no further one is taken.
  bool full() const;

  static constexpr size_t kMostRemembered = 50, kMostWaiting = 8;

 private:
  struct Job;
  void work();
  std::shared_ptr<Job> find(const std::string& id) const;
  static Json describe(const Job& job);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::shared_ptr<Job>> jobs_;
  int64_t started_ = 0;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace tvae::server
