// SMILES, as far as its grammar goes (OpenSMILES specification, chapter 3; no valences, no aromaticity).
#pragma once

#include <string_view>

namespace tvae {

/// Atoms are known elements, brackets and branches close, bonds stand between atoms, ring numbers come in pairs.
bool is_smiles(std::string_view text);

}  // namespace tvae
