// A plan for programs and for people.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tvae/plan/plan.h"

namespace tvae {

/// What was asked, the batch, what it takes ("predicted", "activation_tensors") and what was measured ("measured");
/// everything in bytes. Remedies and notes are left to the front end.
nlohmann::ordered_json plan_report(const Plan& plan, const PlanRequest& request, const PlanOptions& options);

/// "N sequences (M tokens)" and the length, precision and device that were planned for, as two parts of a headline.
std::pair<std::string, std::string> plan_headline(const Plan& plan, const PlanRequest& request);

/// What takes the memory, the largest tensors and what was measured, as lines of a table.
std::vector<std::string> plan_table(const Plan& plan);

}  // namespace tvae
