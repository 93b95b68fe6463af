// Whether texts are Python or molecules, judged in worker processes by python3's own parser or by RDKit.
#pragma once

#include <memory>

#include "tvae/validity/validity.h"

namespace tvae {

/// Workers run `python3 -I -S`, the first one on PATH; they parse and never execute. A text that crashes or stalls its
/// worker (deep nesting can) is invalid, and a new worker goes on. Warns and gives nullptr where no python3 answers;
/// valid() throws DataError where it stops answering later.
std::unique_ptr<ValidityCheck> make_python_check();

/// The same with RDKit: whether a text is a SMILES that it makes a molecule of. nullptr where the first python3 on PATH
/// has no RDKit.
std::unique_ptr<ValidityCheck> make_rdkit_check();

}  // namespace tvae
