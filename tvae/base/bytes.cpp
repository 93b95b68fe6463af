#include "tvae/base/bytes.h"

#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "tvae/base/strings.h"

namespace tvae {

std::optional<int64_t> parse_bytes(std::string_view text) {
  const std::string stripped = strip(text);
  double number = 0;
  const auto [end, error] = std::from_chars(stripped.data(), stripped.data() + stripped.size(), number);
  if (error != std::errc()) return std::nullopt;
  std::string unit = strip(std::string_view(end, stripped.data() + stripped.size() - end));
  for (char& c : unit) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  double scale = 1;
  if (!unit.empty() && unit != "b") {
    const size_t power = std::string_view("kmgt").find(unit[0]);
    const std::string rest = unit.substr(1);
    if (power == std::string_view::npos || (rest != "" && rest != "b" && rest != "ib")) return std::nullopt;
    scale = std::pow(rest == "b" ? 1000.0 : 1024.0, static_cast<double>(power + 1));
  }
  const double bytes = number * scale;
  if (!(bytes >= 1) || bytes > std::ldexp(1.0, 62)) return std::nullopt;
  return static_cast<int64_t>(bytes);
}

std::string bytes_text(int64_t bytes) {
  struct Unit {
    double size;
    const char* format;
  };
  constexpr std::array<Unit, 3> kUnits = {
      {{1024.0 * 1024 * 1024, "%.2f GiB"}, {1024.0 * 1024, "%.0f MiB"}, {1024.0, "%.0f KiB"}}};
  std::array<char, 32> text{};
  for (const Unit& unit : kUnits)
    if (static_cast<double>(bytes) >= unit.size) {
      std::snprintf(text.data(), text.size(), unit.format, static_cast<double>(bytes) / unit.size);
      return text.data();
    }
  return std::to_string(bytes) + " bytes";
}

}  // namespace tvae
