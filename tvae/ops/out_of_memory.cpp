#include "tvae/ops/out_of_memory.h"

#include <c10/util/Exception.h>
#include <c10/util/Logging.h>

#include <new>
#include <string>

namespace tvae {

void throw_where_memory_runs_out() {
  FLAGS_caffe2_use_fatal_for_enforce = false;
}

bool is_out_of_memory(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return true;
  const auto* from_libtorch = dynamic_cast<const c10::Error*>(&error);
  if (from_libtorch == nullptr) return false;
  const std::string what = from_libtorch->what_without_backtrace();
  return what.find("allocate memory") != std::string::npos || what.find("out of memory") != std::string::npos ||
         what.find("not enough memory") != std::string::npos;
}

}  // namespace tvae
