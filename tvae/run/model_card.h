// The card of a model (README.md of its folder). What we know of the model is rendered from data, and rendered anew
// when that changes; two marks enclose it, as comments that Markdown does not show. What stands before and behind them
// is of people, and so is a card without marks.
#pragma once

#include <string>
#include <vector>

#include "tvae/run/run_record.h"

namespace tvae {

/// Of a model that was measured.
struct CardScores {
  std::vector<std::string> verdict;  // sentences
  std::vector<std::string> table;    // lines of report_table
};

/// The card of the model that a record describes, with its scores where it was measured. The text before and behind the
/// marks is that of an `earlier` card where there is one with marks, else a headline.
std::string model_card(const RunRecord& record, const CardScores& scores = {}, const std::string& earlier = "");

/// Empty where there is none. Throws DataError.
std::string read_model_card(const std::string& folder);
/// Whether it is a card without marks.
bool is_own_card(const std::string& card);

/// Renders the card of a folder anew; one without marks is left alone. Throws DataError.
void write_model_card(const std::string& folder, const RunRecord& record, const CardScores& scores = {});
/// Warns where the card of a folder would be left alone.
void warn_of_own_card(const std::string& folder);

}  // namespace tvae
