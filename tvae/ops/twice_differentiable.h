// While a guard lives, the operations of this folder are built from stock ones, whose gradients can be differentiated
// again. The kernels are faster, but know their first derivative alone.
#pragma once

namespace tvae {

class TwiceDifferentiable {
 public:
  TwiceDifferentiable() : before_(enabled_) { enabled_ = true; }
  ~TwiceDifferentiable() { enabled_ = before_; }
  TwiceDifferentiable(const TwiceDifferentiable&) = delete;
  TwiceDifferentiable& operator=(const TwiceDifferentiable&) = delete;

  static bool enabled() { return enabled_; }

 private:
  static inline thread_local bool enabled_ = false;
  bool before_;
};

}  // namespace tvae
