// SMILES, as far as its grammar goes (OpenSMILES specification, chapter 3; no valences, no aromaticity).
#pragma once

#include <memory>
#include <string_view>

#include "tvae/validity/bracket_syntax.h"

namespace tvae {

/// Atoms are known elements, brackets and branches close, bonds stand between atoms, ring numbers come in pairs.
bool is_smiles(std::string_view text);

/// Branches, atoms in brackets and ring bonds.
std::unique_ptr<BracketSyntax> make_smiles_syntax();

}  // namespace tvae
