// TVAE_ASSERT(condition, message): a broken promise inside the program itself. Always on; the program exits with 1.
#pragma once

#include <stdexcept>
#include <string>

namespace tvae {

class Bug : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

}  // namespace tvae

#define TVAE_ASSERT(condition, message)                                                             \
  do {                                                                                              \
    if (!(condition))                                                                               \
      throw ::tvae::Bug(std::string(__FILE__) + ":" + std::to_string(__LINE__) + ": " + (message) + \
                        " (" #condition ")");                                                       \
  } while (false)
