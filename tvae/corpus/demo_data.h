// Data for a demonstration without downloads: random lines that look like Python and parse as it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tvae {

/// `count` different lines drawn from a small grammar; the same for the same seed on every machine.
/// Throws ConfigError where the grammar does not hold so many.
std::vector<std::string> make_demo_lines(int64_t count, uint64_t seed);

}  // namespace tvae
