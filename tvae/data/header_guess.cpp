#include "tvae/data/header_guess.h"

#include <algorithm>

#include "tvae/base/strings.h"
#include "tvae/data/column_statistics.h"
#include "tvae/data/known_names.h"

namespace tvae {
namespace {

constexpr size_t kLongestName = 60;             // bytes
constexpr double kFewRows = 3, kManyRows = 10;  // from which lengths say something, and labels, too
constexpr size_t kWordsOfSentence = 4;

bool is_known(const std::string& cell) {
  const std::string name = lower_case(strip(cell));
  const auto is_text_name = [&](const TextName& known) { return known.name == name; };
  return std::any_of(kTextNames.begin(), kTextNames.end(), is_text_name) ||
         std::find(kLabelNames.begin(), kLabelNames.end(), name) != kLabelNames.end();
}

/// Which a table may leave out of any row.
bool is_missing(const std::string& cell) {
  const std::string value = lower_case(strip(cell));
  for (const char* mark : {"", "na", "n/a", "nan", "null", "none", "-", "?"})
    if (value == mark) return true;
  return false;
}

bool could_be_name(const std::string& cell) {
  return cell.size() <= kLongestName && cell.find('\n') == std::string::npos && !cell.ends_with('.') &&
         !cell.ends_with('!');
}

bool has_digit(const std::string& text) {
  return text.find_first_of("0123456789") != std::string::npos;
}

bool has_other_length(const std::string& cell, const ColumnStatistics& below) {
  const auto length = static_cast<double>(cell.size());
  if (below.filled < kFewRows) return false;
  if (below.filled < kManyRows) return 3 * length < static_cast<double>(below.short_length);
  return 1.5 * length < static_cast<double>(below.short_length) ||
         length > 1.5 * static_cast<double>(below.long_length);
}

/// 1 for a name, -1 for a value as those below, 0 where nothing tells.
int vote(const std::string& cell, const ColumnStatistics& below) {
  if (is_missing(cell) || below.filled == 0) return 0;
  if (below.letterless >= kNearlyAll) return is_letterless(cell) ? -1 : 1;
  if (is_letterless(cell)) return below.filled >= kManyRows && cell.size() <= 3 ? 1 : 0;  // names of pandas, of numbers
  if (below.filled >= kManyRows && below.with_digits >= kNearlyAll && !has_digit(cell)) return 1;
  if (is_label(below) || has_other_length(cell, below)) return 1;
  const bool sentence = static_cast<size_t>(std::count(cell.begin(), cell.end(), ' ')) + 1 >= kWordsOfSentence;
  return sentence && below.several_words > 0.5 ? -1 : 0;
}

}  // namespace

Header guess_header(const std::vector<std::string>& first, const std::vector<std::vector<std::string>>& columns) {
  bool known = false, against = false;
  int votes = 0;
  for (size_t i = 0; i < std::min(first.size(), columns.size()); ++i) {
    const ColumnStatistics below = statistics_of(columns[i]);
    const bool again = std::find(columns[i].begin(), columns[i].end(), first[i]) != columns[i].end();
    if (again && !is_missing(first[i]) && below.distinct < below.filled / 2) return Header::kNo;
    known |= is_known(first[i]) && !again;
    const int own = again ? std::min(vote(first[i], below), 0) : vote(first[i], below);
    votes += own;
    against |= own < 0;
  }
  if (known) return Header::kSure;
  if (votes < 1 || !std::all_of(first.begin(), first.end(), could_be_name)) return Header::kNo;
  return votes > 1 && !against ? Header::kSure : Header::kLikely;
}

}  // namespace tvae
