// How much work the matrix products of a step are.
#pragma once

#include <ATen/record_function.h>

namespace tvae {

/// While it lives, counts the operations of matrix products that libtorch is asked for in this thread: a product of
/// [m, k] and [k, n] is 2 m n k of them, as in the figures of GPUs. Our own CPU kernels are not counted. One at a time.
class ProductCount {
 public:
  ProductCount();
  ~ProductCount();
  ProductCount(const ProductCount&) = delete;
  ProductCount& operator=(const ProductCount&) = delete;

  double operations() const { return operations_; }

 private:
  at::CallbackHandle handle_;
  double operations_ = 0.0;
};

}  // namespace tvae
