// Whether texts are Python or molecules, judged in worker processes by python3's own parser or by RDKit.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "tvae/validity/validity.h"

namespace tvae {

/// How long a judge is waited for. A text that got no answer is asked about again by itself: what ends its worker then,
/// or takes it so much processor time, is the text; only a machine that is too busy takes so long for it.
struct JudgePatience {
  std::chrono::milliseconds among_others{20'000};
  std::chrono::milliseconds alone{600'000};
  int64_t processor_seconds_alone = 60;
};

/// Workers run `python3 -I -S`, the first one on PATH; they parse and never execute. The process has one pool of them,
/// which all checks share. A text that ends or stalls its worker is asked about again, alone and with more patience: a
/// machine under load has not said "invalid". One that ends its worker every time, or takes a minute of processor time
/// (deep nesting can), is invalid. Warns and gives nullptr where python3 does not run; throws DataError where it starts
/// and does not answer. valid() throws DataError where it stops answering later, or a text gets no answer.
std::unique_ptr<ValidityCheck> make_python_check(const JudgePatience& patience = {});

/// The same with RDKit: whether a text is a SMILES that it makes a molecule of. nullptr where the first python3 on PATH
/// has no RDKit.
std::unique_ptr<ValidityCheck> make_rdkit_check();

/// Python's brackets, strings, comments and line continuations.
std::unique_ptr<BracketSyntax> make_python_syntax();

}  // namespace tvae
