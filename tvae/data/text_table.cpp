#include "tvae/data/text_table.h"

#include <charconv>
#include <cmath>
#include <map>

#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/log.h"
#include "tvae/base/strings.h"
#include "tvae/base/utf8.h"
#include "tvae/data/reader.h"

namespace tvae {
namespace {

constexpr double kLargest = 1e100;  // squares of what is larger, or smaller than its inverse, are lost

std::string place(const std::string& path, const LineReader& lines) {
  return path + " line " + std::to_string(lines.line_number());
}

}  // namespace

std::vector<std::pair<std::string, std::string>> read_text_pairs(const std::string& path, bool escapes) {
  std::vector<std::pair<std::string, std::string>> pairs;
  LineReader lines(path);
  for (std::string line; lines.next(line);) {
    const std::vector<std::string> fields = split(line, '\t');
    if (fields.size() != 2)
      throw DataError(place(path, lines), std::to_string(fields.size()) + " fields",
                      "two texts with a tab between them");
    if (!is_valid_utf8(line)) throw DataError(place(path, lines), "bad UTF-8", "two texts with a tab between them");
    const auto text = [&](size_t i) { return escapes ? unescape_line(fields[i]) : fields[i]; };
    pairs.emplace_back(text(0), text(1));
  }
  if (pairs.empty()) throw DataError(path + " holds no pairs");
  return pairs;
}

TextValues read_text_values(const std::string& path, bool escapes) {
  LineReader lines(path);
  TextValues table;
  std::map<std::string, double> seen;
  int64_t contradictions = 0;
  for (std::string line; lines.next(line);) {
    if (strip(line).empty()) continue;
    const std::string where = place(path, lines);
    if (!is_valid_utf8(line)) throw DataError(where, "bad UTF-8", "text, tab, number");
    const size_t tab = line.rfind('\t');
    if (tab == std::string::npos) throw DataError(where, "no tab", "text, tab, number");
    const std::string text = line.substr(0, tab), number = strip(line.substr(tab + 1));
    double value = 0.0;
    const bool has_plus = number.size() > 1 && number[0] == '+' && number[1] != '-';  // which from_chars does not take
    const auto [end, error] = std::from_chars(number.data() + has_plus, number.data() + number.size(), value);
    if (error != std::errc() || end != number.data() + number.size() || !std::isfinite(value)) {
      if (lines.line_number() == 1 && text == "text") continue;
      throw DataError(where, "\"" + number.substr(0, 40) + "\"", "a finite number after the tab");
    }
    if (std::abs(value) > kLargest || (value != 0.0 && std::abs(value) < 1.0 / kLargest))
      throw DataError(where, "\"" + number.substr(0, 40) + "\"", "0 or a size from 1e-100 to 1e100");
    const auto [known, fresh] = seen.emplace(text, value);
    contradictions += known->second != value;
    if (!fresh) continue;
    table.texts.push_back(escapes ? unescape_line(text) : text);
    table.values.push_back(value);
  }
  if (contradictions > 0)
    log_warning(path + ": " + std::to_string(contradictions) +
                " rows repeat a text with another number; the first counts");
  if (table.texts.empty()) throw DataError(path + " holds no texts", "", "text, tab, number a line");
  return table;
}

}  // namespace tvae
