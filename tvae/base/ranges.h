// How messages and help texts say which numbers there can be: "0 to 1", "at least 2".
#pragma once

#include <string>

namespace tvae {

/// A limit for people: "0.5", "1000000", "9e+15".
std::string limit_text(double limit);

/// "0 to 1", both included; "at least 1" where `most` is infinite.
std::string range_text(double least, double most);

}  // namespace tvae
