#include "server/jobs.h"

#include <algorithm>
#include <chrono>

#include "server/problem.h"
#include "tvae/base/error.h"
#include "tvae/base/log.h"

namespace tvae::server {

namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

/// All but `work` is guarded by the mutex of Jobs.
struct Jobs::Job {
  std::string id, kind;
  int64_t model = 0;
  Work work;
  std::string state = "waiting";
  bool cancelled = false;  // somebody asked for it
  std::string what;
  int64_t done = 0, total = 0;
  std::optional<Clock::time_point> began, ended;
  Json result = nullptr, problem = nullptr;

  bool over() const { return ended.has_value(); }
};

Jobs::Jobs() : thread_([this] { work(); }) {}

Jobs::~Jobs() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    for (const auto& job : jobs_) job->cancelled = true;
  }
  changed_.notify_all();
  thread_.join();
}

std::string Jobs::start(const std::string& kind, int64_t model, Work work) {
  const auto job = std::make_shared<Job>();
  job->kind = kind;
  job->model = model;
  job->work = std::move(work);
  const std::lock_guard lock(mutex_);
  job->id = kind + "-" + std::to_string(++started_);
  jobs_.push_back(job);
  const auto oldest = std::ranges::find_if(jobs_, [](const auto& known) { return known->over(); });
  if (jobs_.size() > kMostRemembered && oldest != jobs_.end()) jobs_.erase(oldest);
  changed_.notify_all();
  return job->id;
}

void Jobs::work() {
  /// Tells the job how far it is; stops it once it is cancelled.
  class OfJob : public Progress {
   public:
    OfJob(Jobs& jobs, Job& job) : jobs_(jobs), job_(job) {}
    void update(const char* what, int64_t done, int64_t total) override {
      const std::lock_guard lock(jobs_.mutex_);
      if (job_.cancelled) throw Interrupted(std::string("interrupted while ") + what);
      job_.what = what;
      job_.done = done;
      job_.total = total;
    }

   private:
    Jobs& jobs_;
    Job& job_;
  };
  std::unique_lock lock(mutex_);
  while (true) {
    const auto next = std::ranges::find_if(jobs_, [](const auto& job) { return job->state == "waiting"; });
    if (next == jobs_.end()) {
      if (ending_) return;
      changed_.wait(lock);
      continue;
    }
    const std::shared_ptr<Job> job = *next;
    job->began = Clock::now();
    std::string state = "cancelled";
    Json result = nullptr, problem_document = nullptr;
    if (!job->cancelled) {
      job->state = "running";
      lock.unlock();
      const auto fail = [&](const HttpResponse& response) {
        state = "failed";
        problem_document = Json::parse(response.body);
      };
      try {
        OfJob progress(*this, *job);
        result = job->work(progress);
        state = "done";
      } catch (const Interrupted&) {
      } catch (const Error& error) {
        fail(problem(error));
      } catch (const std::exception& error) {
        log_warning("job " + job->id + ": " + error.what());
        fail(problem(500, "internal error"));
      }
      lock.lock();
    }
    job->result = std::move(result);
    job->problem = std::move(problem_document);
    job->state = state;
    job->ended = Clock::now();
    job->work = {};  // and all that it holds
  }
}

std::shared_ptr<Jobs::Job> Jobs::find(const std::string& id) const {
  const auto found = std::ranges::find_if(jobs_, [&](const auto& job) { return job->id == id; });
  return found == jobs_.end() ? nullptr : *found;
}

Jobs::Json Jobs::describe(const Job& job) {
  double seconds = 0.0;
  if (job.began) seconds = std::chrono::duration<double>(job.ended.value_or(Clock::now()) - *job.began).count();
  return {{"id", job.id},         {"kind", job.kind},      {"model", job.model}, {"state", job.state},
          {"what", job.what},     {"done", job.done},      {"total", job.total}, {"seconds", seconds},
          {"result", job.result}, {"problem", job.problem}};
}

std::optional<Jobs::Json> Jobs::describe(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const std::shared_ptr<Job> job = find(id);
  if (!job) return std::nullopt;
  return describe(*job);
}

std::vector<Jobs::Json> Jobs::describe_all() const {
  const std::lock_guard lock(mutex_);
  std::vector<Json> all;
  for (const auto& job : jobs_) all.push_back(describe(*job));
  return all;
}

bool Jobs::cancel(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const std::shared_ptr<Job> job = find(id);
  if (job && !job->over()) job->cancelled = true;
  return job != nullptr;
}

bool Jobs::full() const {
  const std::lock_guard lock(mutex_);
  return std::ranges::count_if(jobs_, [](const auto& job) { return !job->over(); }) >=
         static_cast<std::ptrdiff_t>(kMostWaiting);
}

}  // namespace tvae::server
