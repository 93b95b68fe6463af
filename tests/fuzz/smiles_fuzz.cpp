#include "tests/fuzz/fuzz.h"
#include "tvae/validity/smiles.h"
#include "tvae/validity/validity.h"

/// A text that is a SMILES, and whether the syntax that helps to write one lets it be written.
TVAE_FUZZ(smiles) {
  if (!tvae::is_smiles(data)) return;
  const auto syntax = tvae::make_bracket_syntax("smiles");
  for (size_t i = 0; i < data.size(); ++i)
    TVAE_ASSERT(syntax->append(data.substr(i, 1)), "the beginning of a valid text is refused");
  TVAE_ASSERT(syntax->missing() == 0, "a valid text may not end");
}
