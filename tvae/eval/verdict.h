// What a report says, in words a person can act on.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace tvae {

/// A sentence each: whether rows come back, what lies between two of them, what draws are like, as far as the report
/// has that, and what to try next. Nothing of a report without these.
std::vector<std::string> verdict(const nlohmann::ordered_json& report);

}  // namespace tvae
