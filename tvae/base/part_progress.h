// Progress of work that is done in parts.
#pragma once

#include "tvae/base/progress.h"

namespace tvae {

/// Tells of a part, which comes after `before` others of `total`, as of the whole.
class PartProgress : public Progress {
 public:
  PartProgress(Progress& whole, int64_t before, int64_t part, int64_t total)
      : whole_(whole), before_(before), part_(part), total_(total) {}
  void update(const char* what, int64_t done, int64_t total) override {
    if (total == part_)
      whole_.update(what, before_ + done, total_);
    else  // something else is counted
      whole_.update(what, done, total);
  }

 private:
  Progress& whole_;
  int64_t before_, part_, total_;
};

}  // namespace tvae
