#include "tvae/train/metric_log.h"

#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <sstream>

#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/json.h"
#include "tvae/base/utf8.h"

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;

/// The whole lines of `log` whose step is not after steps_done.
std::string lines_until(const std::string& log, int64_t steps_done) {
  std::string kept;
  size_t begin = 0;
  for (size_t end; (end = log.find('\n', begin)) != std::string::npos; begin = end + 1) {
    const auto line = parse_json(std::string_view(log).substr(begin, end - begin));
    const bool has_step = line.is_object() && line.contains("step") && line["step"].is_number_integer();
    if (has_step && line["step"].get<int64_t>() <= steps_done) kept.append(log, begin, end + 1 - begin);
  }
  return kept;
}

/// The path, after what a resumed run will write again has been cut away.
std::string prepared(const std::string& path, int64_t steps_done) {
  const std::string log = file_exists(path) ? read_file(path) : "";
  const std::string kept = lines_until(log, steps_done);
  if (kept != log) write_file_atomically(path, kept);
  make_directories(std::filesystem::path(path).parent_path());
  return path;
}

Json json_rows(const std::vector<PreviewText>& texts, bool with_ratio) {
  Json rows = Json::array();
  for (const PreviewText& shown : texts) {
    Json row = Json::object();
    if (with_ratio) row["ratio"] = shown.ratio;
    row["text"] = repair_utf8(shown.text);
    row["valid"] = shown.valid ? Json(*shown.valid) : Json();
    rows.push_back(std::move(row));
  }
  return rows;
}

/// A cell of a Markdown table that shows the text as it is.
std::string markdown_cell(const std::string& text) {
  std::string cell = "<code>";
  for (const char c : repair_utf8(text)) {
    if (c == '\n')
      cell += "<br>";
    else if (std::string_view("&<>|*_`\\[]").find(c) != std::string_view::npos)
      cell += "&#" + std::to_string(static_cast<int>(c)) + ";";
    else
      cell += c;
  }
  return cell + "</code>";
}

std::string markdown_table(const std::vector<PreviewText>& texts, bool with_ratio) {
  std::ostringstream table;
  table << (with_ratio ? "| Interpolation Ratio | Text | Valid |\n|---|---|---|\n" : "| Text | Valid |\n|---|---|\n");
  for (const PreviewText& shown : texts) {
    if (with_ratio) table << "| " << shown.ratio << " ";
    table << "| " << markdown_cell(shown.text) << " | " << (shown.valid ? (*shown.valid ? "yes" : "no") : "") << " |\n";
  }
  return table.str();
}

}  // namespace

StepLog::StepLog(const std::string& path, int64_t steps_done)
    : path_(prepared(path, steps_done)), file_(std::fopen(path_.c_str(), "ab"), &std::fclose) {
  if (!file_) throw DataError("cannot write " + path_, std::strerror(errno));
}

void StepLog::write(int64_t step, const Json& fields) {
  Json line = {{"step", step}};
  line.update(fields);
  // One write a line, so that a kill leaves at most one torn line, the last.
  const std::string text = line.dump() + "\n";
  if (std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size() || std::fflush(file_.get()) != 0)
    throw DataError("cannot write " + path_, std::strerror(errno));
}

MetricLog::MetricLog(const std::string& directory, int64_t steps_done)
    : directory_(directory),
      metrics_(directory + "/metrics.jsonl", steps_done),
      interpolations_(directory + "/interpolations.jsonl", steps_done),
      samples_(directory + "/samples.jsonl", steps_done),
      events_(directory, steps_done + 1) {}

void MetricLog::write(int64_t step, const Metrics& metrics) {
  Json fields = Json::object();
  for (const auto& [name, value] : metrics) {
    constexpr double kExact = 9007199254740992.0;  // 2^53: whole doubles below it are exact integers
    if (value == std::floor(value) && std::abs(value) < kExact)
      fields[name] = static_cast<int64_t>(value);
    else
      fields[name] = value;
  }
  metrics_.write(step, fields);
  events_.scalars(step, metrics);
}

void MetricLog::write(int64_t step, const Preview& preview) {
  if (!preview.interpolation.empty()) {
    interpolations_.write(step, {{"rows", json_rows(preview.interpolation, true)}});
    events_.text(step, "interpolate points", markdown_table(preview.interpolation, true));
  }
  if (!preview.samples.empty()) {
    samples_.write(step, {{"rows", json_rows(preview.samples, false)}});
    events_.text(step, "samples", markdown_table(preview.samples, false));
  }
  if (preview.strip) {
    char name[64];
    std::snprintf(name, sizeof name, "/images/interpolation-%08lld.png", static_cast<long long>(step));
    constexpr int kEnlarged = 4;
    const Picture picture = enlarged(*preview.strip, kEnlarged);
    write_file_atomically(directory_ + name, encode_png(picture));
    events_.image(step, "image_interpolation", picture);
  }
}

}  // namespace tvae
