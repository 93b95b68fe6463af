// What the programs of this folder share: a clock, and what the drivers read of them.
#pragma once

#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>

namespace tvae {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// One JSON object a line.
inline void print_json(const nlohmann::ordered_json& line) {
  std::cout << line.dump() << std::endl;
}

}  // namespace tvae
