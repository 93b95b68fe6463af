// The character map of a SentencePiece model: what its normaliser replaces by what.
#pragma once

#include <string_view>

namespace tvae {

/// Whether the maps of a serialized model (precompiled_charsmap of normalizer_spec and denormalizer_spec) keep within
/// their own bounds. SentencePiece follows the links of this trie without a look at where they lead, so that a damaged
/// map would end the process.
bool has_sound_character_maps(std::string_view serialized_model);

}  // namespace tvae
