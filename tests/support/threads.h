// libtorch computes with so many threads while one lives, however many cores the machine has.
#pragma once

#include <ATen/Parallel.h>

namespace tvae::test {

class Threads {
 public:
  explicit Threads(int count) : before_(at::get_num_threads()) { at::set_num_threads(count); }
  ~Threads() { at::set_num_threads(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_;
};

}  // namespace tvae::test
