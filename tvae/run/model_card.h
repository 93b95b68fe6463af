// The card of a model (README.md of its folder): what training knows of it, and the scores below that.
#pragma once

#include <string>
#include <vector>

#include "tvae/run/run_record.h"

namespace tvae {

/// The card of the model that a record describes, without scores.
std::string model_card(const RunRecord& record);

/// The card without the scores that with_scores put there: what they were measured on has changed.
std::string without_scores(const std::string& card);

/// The card with the lines of report_table where earlier scores stood, or at its end. Comments mark the place.
std::string with_scores(const std::string& card, const std::vector<std::string>& table);

}  // namespace tvae
