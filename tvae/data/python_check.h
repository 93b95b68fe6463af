// Whether texts are Python, judged by python3's own parser in worker processes.
#pragma once

#include <memory>

#include "tvae/data/validity.h"

namespace tvae {

/// Workers run `python3 -I -S`, the first one on PATH; they parse and never execute. A text that crashes or stalls its
/// worker (deep nesting can) is invalid, and a new worker goes on. Warns and gives nullptr where no python3 answers;
/// valid() throws DataError where it stops answering later.
std::unique_ptr<ValidityCheck> make_python_check();

}  // namespace tvae
