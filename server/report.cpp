#include "server/report.h"

#include "server/problem.h"
#include "tvae/run/run_record.h"

namespace tvae::server {

using Json = nlohmann::ordered_json;

Json without_folders(Json report) {
  if (!report.is_object()) return report;
  const auto name = [](Json& of, const char* key) {
    if (of.is_object() && of.contains(key) && of[key].is_string()) of[key] = file_names(of[key]);
  };
  name(report, "model");
  if (report.contains("data")) name(report["data"], "path");
  if (report.contains("skipped") && report["skipped"].is_object())  // reasons, which name files too
    for (auto& [section, reason] : report["skipped"].items())
      if (reason.is_string()) reason = without_folders(reason.get<std::string>());
  return report;
}

}  // namespace tvae::server
