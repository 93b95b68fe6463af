#include "tvae/train/metric_log.h"

#include <cerrno>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "tvae/base/error.h"
#include "tvae/base/files.h"

namespace tvae {
namespace {

/// The whole lines of `log` whose step is not after steps_done.
std::string lines_until(const std::string& log, int64_t steps_done) {
  std::string kept;
  size_t begin = 0;
  for (size_t end; (end = log.find('\n', begin)) != std::string::npos; begin = end + 1) {
    const auto line =
        nlohmann::json::parse(log.begin() + static_cast<int64_t>(begin), log.begin() + static_cast<int64_t>(end),
                              nullptr, /*allow_exceptions=*/false);
    const bool has_step = line.is_object() && line.contains("step") && line["step"].is_number_integer();
    if (has_step && line["step"].get<int64_t>() <= steps_done) kept.append(log, begin, end + 1 - begin);
  }
  return kept;
}

/// The path, after what a resumed run will write again has been cut away.
std::string prepared(const std::string& directory, int64_t steps_done) {
  const std::string path = directory + "/metrics.jsonl";
  const std::string log = file_exists(path) ? read_file(path) : "";
  const std::string kept = lines_until(log, steps_done);
  if (kept != log) write_file_atomically(path, kept);
  make_directories(directory);
  return path;
}

}  // namespace

MetricLog::MetricLog(const std::string& directory, int64_t steps_done)
    : path_(prepared(directory, steps_done)),
      file_(std::fopen(path_.c_str(), "ab"), &std::fclose),
      events_(directory, steps_done + 1) {
  if (!file_) throw DataError("cannot write " + path_, std::strerror(errno));
}

void MetricLog::write(int64_t step, const Metrics& metrics) {
  nlohmann::ordered_json line;
  line["step"] = step;
  for (const auto& [name, value] : metrics) {
    constexpr double kExact = 9007199254740992.0;  // 2^53: whole doubles below it are exact integers
    if (value == std::floor(value) && std::abs(value) < kExact)
      line[name] = static_cast<int64_t>(value);
    else
      line[name] = value;
  }
  // One write a line, so that a kill leaves at most one torn line, the last.
  const std::string text = line.dump() + "\n";
  if (std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size() || std::fflush(file_.get()) != 0)
    throw DataError("cannot write " + path_, std::strerror(errno));
  events_.scalars(step, metrics);
}

void MetricLog::text(int64_t step, const std::string& tag, const std::string& content) {
  events_.text(step, tag, content);
}

}  // namespace tvae
