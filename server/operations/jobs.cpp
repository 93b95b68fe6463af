// Long work.
#include "server/operation.h"
#include "server/problem.h"
#include "server/report.h"
#include "tvae/eval/evaluate.h"

namespace tvae::server {
namespace {

Json known_job(const Call& call) {
  const std::string id = call.given["id"];
  const auto job = call.explorer.jobs().describe(id);
  if (!job) throw Refused(404, "there is no job \"" + id + "\"");
  return *job;
}

HttpResponse jobs(const Call& call) {
  return json_response({{"jobs", call.explorer.jobs().describe_all()}});
}

HttpResponse start(const Call& call) {
  const ExploredModel& model = call.model();
  Jobs& jobs = call.explorer.jobs();
  if (jobs.full()) throw Refused(409, "enough jobs wait already");
  EvaluateOptions options;
  options.protocol.only = call.given.value("sections", std::vector<std::string>());
  options.protocol.samples = call.given["samples"];
  options.write = false;  // what somebody tries in a browser replaces no report
  const TextsFile texts = model.texts_to_measure();
  options.data = texts.path;
  options.read = texts.read;
  const std::string id = jobs.start("evaluate", model.number, [&model, options](Progress& progress) -> Json {
    return without_folders(evaluate(model.space, options, progress));
  });
  return json_response(*jobs.describe(id), 202);
}

HttpResponse job(const Call& call) {
  return json_response(known_job(call));
}

HttpResponse cancel(const Call& call) {
  known_job(call);
  call.explorer.jobs().cancel(call.given["id"]);
  return json_response(known_job(call));
}

/// A "progress" event whenever the job has changed, "end" once it is over.
HttpResponse events(const Call& call) {
  known_job(call);
  return {.content_type = "text/event-stream",
          .headers = {{"Cache-Control", "no-store"}},
          .events = [&jobs = call.explorer.jobs(), id = call.given["id"].get<std::string>(), last = std::string(),
                     over = false]() mutable -> std::optional<std::string> {
            if (over) return std::nullopt;
            const auto job = jobs.describe(id);
            if (!job) return std::nullopt;
            const std::string state = (*job)["state"];
            over = state != "waiting" && state != "running";
            const std::string seen = state + (*job)["what"].get<std::string>() + (*job)["done"].dump();
            if (seen == last && !over) return "";
            last = seen;
            return std::string("event: ") + (over ? "end" : "progress") +
                   "\ndata: " + job->dump(-1, ' ', false, Json::error_handler_t::replace) + "\n\n";
          }};
}

const Register<Operation> listed(operations(), {"jobs", "long work", jobs});
const Register<Operation> started(operations(), {"startJob", "starts an evaluation", start});
const Register<Operation> told(operations(), {"job", "how far one is", job});
const Register<Operation> cancelled(operations(), {"cancelJob", "cancels one", cancel});
const Register<Operation> followed(operations(), {"jobEvents", "progress", events});

}  // namespace
}  // namespace tvae::server
