#include "tvae/plan/plan_report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "tvae/base/bytes.h"

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kTensorSizes = 10;  // shown
constexpr size_t kNameWidth = 14, kAmountWidth = 12;

AllocationSizes shown(const AllocationSizes& sizes) {
  return {sizes.begin(), sizes.begin() + static_cast<std::ptrdiff_t>(std::min(kTensorSizes, sizes.size()))};
}

const char* device_name(const PlanRequest& request) {
  return request.device == torch::kCUDA ? "cuda" : "cpu";
}

const char* precision_name(const PlanRequest& request) {
  return request.bf16 ? "bf16" : "fp32";
}

std::string number_text(double value, const char* format) {
  char text[32];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string seconds_text(double seconds) {
  return seconds < 1 ? number_text(1e3 * seconds, "%.3g") + " ms" : number_text(seconds, "%.2f") + " s";
}

std::vector<std::string> roofline_lines(const Roofline& roof) {
  const std::string each = roof.micro_batches > 1 ? ", a micro-batch" : "";
  std::vector<std::string> lines = {"expected " + std::to_string(std::llround(roof.tokens_per_second)) +
                                        " tokens a second, all together, by the roofline: a step takes " +
                                        seconds_text(roof.seconds()),
                                    "  " + number_text(roof.operations / 1e12, "%.3g") + " TFLOP of products and " +
                                        number_text(roof.traffic / 1e9, "%.4g") +
                                        " GB read and written: " + seconds_text(roof.compute_seconds) + each};
  if (roof.sum_seconds > 0)
    lines.push_back("  " + bytes_text(std::llround(roof.gradient_bytes)) + " of gradients summed meanwhile: " +
                    seconds_text(roof.sum_seconds) + "; weights sent: " + seconds_text(roof.send_seconds));
  return lines;
}

std::string share_line(const MemoryShare& share) {
  const std::string amount = bytes_text(share.bytes);
  return "  " + share.name + std::string(kNameWidth - share.name.size(), ' ') +
         std::string(kAmountWidth - std::min(kAmountWidth, amount.size()), ' ') + amount +
         (share.about.empty() ? "" : "   " + share.about);
}

}  // namespace

Json plan_report(const Plan& plan, const PlanRequest& request, const PlanOptions& options) {
  Json json;
  if (options.memory > 0) json["memory"] = options.memory;
  json.update({{"device", device_name(request)},
               {"precision", precision_name(request)},
               {"tokens_per_sequence", request.length},
               {"vocabulary", request.config.model.vocab_size},
               {"batch", plan.batch},
               {"tokens", plan.batch * request.length}});
  if (request.processes > 1) json["processes"] = request.processes;
  for (const MemoryShare& share : plan.shares) json["predicted"][share.name] = share.bytes;
  json["predicted"]["total"] = plan.total;
  for (const auto& [bytes, count] : shown(plan.activation_sizes))
    json["activation_tensors"].push_back({{"bytes", bytes}, {"count", count}});
  if (const auto& roof = plan.roofline)
    json["roofline"] = {{"micro_batches", roof->micro_batches},
                        {"products", roof->operations},
                        {"traffic", roof->traffic},
                        {"gradients_summed", roof->gradient_bytes},
                        {"weights_sent", roof->weight_bytes},
                        {"compute_seconds", roof->compute_seconds},
                        {"sum_seconds", roof->sum_seconds},
                        {"send_seconds", roof->send_seconds},
                        {"seconds", roof->seconds()},
                        {"tokens_per_second", roof->tokens_per_second}};
  if (!plan.measured) return json;
  json["measured"]["batch"] = plan.measured->batch;
  if (!plan.measured->memory) return json;
  json["measured"].update({{"charged", plan.measured->charged},
                           {"resident", plan.measured->memory->resident},
                           {"allocated", plan.measured->memory->allocated},
                           {"predicted", plan.measured->predicted}});
  if (request.device == torch::kCUDA) json["measured"]["reserved"] = plan.measured->memory->reserved;
  return json;
}

std::pair<std::string, std::string> plan_headline(const Plan& plan, const PlanRequest& request) {
  const std::string length = std::to_string(request.length);
  const std::string each = request.processes > 1 ? " for each of " + std::to_string(request.processes) : "";
  return {std::to_string(plan.batch) + " sequences (" + std::to_string(plan.batch * request.length) + " tokens)" + each,
          "[" + length + " tokens a sequence, " + precision_name(request) + ", " + device_name(request) + "]"};
}

std::vector<std::string> plan_table(const Plan& plan) {
  std::vector<std::string> lines;
  for (const MemoryShare& share : plan.shares)
    if (share.bytes > 0) lines.push_back(share_line(share));
  lines.push_back(share_line({"total", "", plan.total}));
  if (!plan.activation_sizes.empty()) lines.emplace_back("activations, by the size of tensor");
  for (const auto& [bytes, count] : shown(plan.activation_sizes))
    lines.push_back("  " + std::to_string(count) + " x " + bytes_text(bytes));
  if (plan.roofline)
    for (std::string& line : roofline_lines(*plan.roofline)) lines.push_back(std::move(line));
  if (!plan.measured) return lines;
  const MeasuredPlan& measured = *plan.measured;
  lines.push_back(measured.memory ? "measured: batch " + std::to_string(measured.batch) + " takes " +
                                        bytes_text(measured.charged) + " (" + bytes_text(measured.memory->allocated) +
                                        " of it tensors), predicted " + bytes_text(measured.predicted)
                                  : "measured: does not fit");
  return lines;
}

}  // namespace tvae
