#include "tvae/eval/text_statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <unordered_map>

#include "tvae/base/assert.h"
#include "tvae/base/utf8.h"

namespace tvae {
namespace {

using Counts = std::unordered_map<std::string, double>;

/// Shares of the n-grams of characters, summing to 1.
Counts ngram_shares(const std::vector<std::string>& texts, size_t order) {
  Counts counts;
  double total = 0.0;
  for (const std::string& text : texts) {
    const std::string framed = "\x02" + text + "\x03";
    const std::vector<std::string_view> letters = utf8_characters(framed);
    for (size_t i = 0; i + order <= letters.size(); ++i, ++total) {
      const char* end = letters[i + order - 1].data() + letters[i + order - 1].size();
      ++counts[std::string(letters[i].data(), end)];
    }
  }
  for (auto& [ngram, count] : counts) count /= total;
  return counts;
}

/// KL(p || (p + q) / 2) in bits.
double divergence_from_middle(const Counts& p, const Counts& q) {
  double bits = 0.0;
  for (const auto& [ngram, share] : p) {
    const auto found = q.find(ngram);
    bits += share * std::log2(2.0 * share / (share + (found == q.end() ? 0.0 : found->second)));
  }
  return bits;
}

}  // namespace

int64_t edit_distance(const std::vector<int32_t>& a, const std::vector<int32_t>& b) {
  std::vector<int64_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), int64_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    int64_t diagonal = row[0];
    row[0] = static_cast<int64_t>(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const int64_t substitution = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substitution});
    }
  }
  return row[b.size()];
}

std::vector<int32_t> characters(std::string_view text) {
  std::vector<int32_t> numbers;
  for (const std::string_view character : utf8_characters(text)) {
    uint32_t bytes = 0;  // at most four: packed, they are a number of their own
    for (const char byte : character) bytes = bytes << 8 | static_cast<unsigned char>(byte);
    numbers.push_back(static_cast<int32_t>(bytes));
  }
  return numbers;
}

double normalised_distance(const std::vector<int32_t>& a, const std::vector<int32_t>& b) {
  const size_t longest = std::max(a.size(), b.size());
  return longest == 0 ? 0.0 : static_cast<double>(edit_distance(a, b)) / static_cast<double>(longest);
}

double normalised_distance(std::string_view a, std::string_view b) {
  return normalised_distance(characters(a), characters(b));
}

double wasserstein_distance(std::vector<double> a, std::vector<double> b) {
  TVAE_ASSERT(!a.empty() && !b.empty(), "two samples");
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  double area = 0.0, at = std::min(a[0], b[0]);
  for (size_t i = 0, j = 0; i < a.size() || j < b.size();) {
    const double next = j == b.size() || (i < a.size() && a[i] <= b[j]) ? a[i] : b[j];
    const double gap =
        static_cast<double>(i) / static_cast<double>(a.size()) - static_cast<double>(j) / static_cast<double>(b.size());
    area += std::abs(gap) * (next - at);
    at = next;
    while (i < a.size() && a[i] == at) ++i;
    while (j < b.size() && b[j] == at) ++j;
  }
  return area;
}

double ngram_divergence(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  double sum = 0.0;
  for (const size_t order : {1, 2, 3}) {
    const Counts p = ngram_shares(a, order), q = ngram_shares(b, order);
    // Two sets of empty texts have no 3-grams; one empty set differs wholly from one that is not.
    if (p.empty() || q.empty())
      sum += p.empty() == q.empty() ? 0.0 : 1.0;
    else
      sum += 0.5 * (divergence_from_middle(p, q) + divergence_from_middle(q, p));
  }
  return sum / 3.0;
}

PathShape path_shape(const std::vector<std::string>& texts) {
  TVAE_ASSERT(texts.size() >= 2, "a path has two ends");
  std::vector<std::vector<int32_t>> points;
  for (const std::string& text : texts) points.push_back(characters(text));
  PathShape shape;
  double length = 0.0;
  for (size_t t = 0; t + 1 < points.size(); ++t) {
    const double step = normalised_distance(points[t], points[t + 1]);
    length += step;
    shape.largest_step = std::max(shape.largest_step, step);
    if (points[t] == points[t + 1]) continue;
    ++shape.steps;
    const bool away =
        normalised_distance(points[t + 1], points.front()) > normalised_distance(points[t], points.front());
    const bool nearer =
        normalised_distance(points[t + 1], points.back()) < normalised_distance(points[t], points.back());
    shape.monotonic_steps += away && nearer;
  }
  if (length > 0) shape.smoothness = normalised_distance(points.front(), points.back()) / length;
  shape.distinct = static_cast<int64_t>(std::set<std::string>(texts.begin() + 1, texts.end() - 1).size());
  return shape;
}

}  // namespace tvae
