// Whether texts are of a kind that a check can judge.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace tvae {

/// Of the texts, at least, that pass the check of their kind.
inline constexpr double kRecognisedShare = 0.95;

struct RecognisedKind {
  std::string name = "none";             // of text_kinds
  std::map<std::string, double> shares;  // of the texts that pass, by kind; kinds whose judge is missing are left out
};

/// The kind that at least 95% of the texts pass, and most of them no more once their characters are shuffled: so that a
/// word is no Python for being a name, nor a number JSON. A seeded sample of the texts is judged.
RecognisedKind recognise_kind(const std::vector<std::string>& texts, uint64_t seed);

}  // namespace tvae
