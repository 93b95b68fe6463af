// The scores in a model's card (README.md of its folder), below what training wrote there.
#pragma once

#include <string>
#include <vector>

namespace tvae {

/// The card without the scores that with_scores put there: what they were measured on has changed.
std::string without_scores(const std::string& card);

/// The card with the lines of report_table where earlier scores stood, or at its end. Comments mark the place.
std::string with_scores(const std::string& card, const std::vector<std::string>& table);

}  // namespace tvae
