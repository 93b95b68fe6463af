#include "tvae/base/ranges.h"

#include <cmath>
#include <sstream>

namespace tvae {

std::string limit_text(double limit) {
  constexpr double kLongest = 1e9;  // from here on with an exponent
  std::ostringstream text;
  if (limit == std::floor(limit) && std::abs(limit) < kLongest)
    text << static_cast<long long>(limit);
  else
    text << limit;
  return text.str();
}

std::string range_text(double least, double most) {
  return std::isinf(most) ? "at least " + limit_text(least) : limit_text(least) + " to " + limit_text(most);
}

}  // namespace tvae
