#include "tvae/text/kneser_ney.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "tvae/base/assert.h"
#include "tvae/base/error.h"

namespace tvae {
namespace {

constexpr uint32_t kNone = 0xffffffff;

uint64_t key_of(uint32_t context, int32_t id) {
  return static_cast<uint64_t>(context) << 32 | static_cast<uint32_t>(id);
}

uint32_t place_of(const std::vector<uint64_t>& keys, uint64_t key) {
  const auto found = std::lower_bound(keys.begin(), keys.end(), key);
  return found == keys.end() || *found != key ? kNone : static_cast<uint32_t>(found - keys.begin());
}

/// What is taken off counts of 1, 2 and more (equation 26), which how often the counts 1 to 4 come says. Where one of
/// them never comes, as among few or much alike texts, half of a count is taken.
std::array<double, 3> discounts(const std::vector<uint32_t>& counts) {
  std::array<double, 5> of{};  // of[c]: n-grams with count c
  for (const uint32_t count : counts)
    if (count >= 1 && count <= 4) ++of[count];
  std::array<double, 3> taken = {0.5, 0.5, 0.5};
  if (of[1] == 0 || of[2] == 0 || of[3] == 0 || of[4] == 0) return taken;
  const double y = of[1] / (of[1] + 2 * of[2]);
  for (size_t i = 0; i < 3; ++i) {
    const double count = static_cast<double>(i + 1);
    taken[i] = std::clamp(count - (count + 1) * y * of[i + 2] / of[i + 1], 0.05, count - 0.05);
  }
  return taken;
}

}  // namespace

KneserNey::KneserNey(const Sequences& sequences, const KneserNeyOptions& options) : vocabulary_(options.vocabulary) {
  TVAE_ASSERT(options.order >= 1 && options.vocabulary >= 1, "an n-gram model has an order and a vocabulary");
  std::vector<int32_t> ids;    // each sequence after begin()
  std::vector<uint32_t> room;  // from a place to the end of its sequence
  for (const std::vector<int32_t>& sequence : sequences) {
    if (static_cast<int64_t>(ids.size()) >= options.most_tokens) break;
    if (sequence.empty()) continue;
    ids.push_back(begin());
    ids.insert(ids.end(), sequence.begin(), sequence.end());
    for (size_t left = sequence.size() + 1; left > 0; --left) room.push_back(static_cast<uint32_t>(left));
  }
  if (ids.empty()) throw DataError("there is no text to count n-grams of");

  levels_.resize(static_cast<size_t>(options.order) + 1);
  std::vector<std::vector<uint32_t>> counts(levels_.size());
  std::vector<uint32_t> shorter(ids.size(), 0);  // the place of the n-gram that begins at each id, of the level before
  for (size_t n = 1; n < levels_.size(); ++n) {
    std::vector<uint64_t>& keys = levels_[n].keys;
    const auto key_at = [&](size_t at) { return key_of(shorter[at], ids[at + n - 1]); };
    for (size_t at = 0; at < ids.size(); ++at)
      if (room[at] >= n) keys.push_back(key_at(at));
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    std::vector<uint32_t> places(ids.size(), kNone), raw(keys.size(), 0), after(counts[n - 1].size(), 0);
    for (size_t at = 0; at < ids.size(); ++at) {
      if (room[at] < n) continue;
      places[at] = place_of(keys, key_at(at));
      if (raw[places[at]]++ == 0 && n > 1) ++after[shorter[at + 1]];
    }
    // A shorter n-gram counts by how many different ids it follows, but for those that begin a sequence.
    for (size_t at = 0; at < ids.size() && n > 1; ++at)
      if (room[at] >= n - 1 && ids[at] != begin()) counts[n - 1][shorter[at]] = after[shorter[at]];
    counts[n] = std::move(raw);
    shorter = std::move(places);
  }
  counts[1][place_of(levels_[1].keys, key_of(0, begin()))] = 0;  // which is never what comes next

  for (size_t n = 0; n < levels_.size(); ++n) {
    const size_t size = n == 0 ? 1 : levels_[n].keys.size();
    levels_[n].weight.assign(size, 0.0);
    levels_[n].total.assign(size, 0.0);
    levels_[n].left.assign(size, 0.0);
  }
  for (size_t n = 1; n < levels_.size(); ++n) {
    const std::array<double, 3> taken = discounts(counts[n]);
    Level &level = levels_[n], &context = levels_[n - 1];
    for (size_t place = 0; place < level.keys.size(); ++place) {
      const uint32_t count = counts[n][place];
      if (count == 0) continue;
      const double discount = taken[std::min<size_t>(count, 3) - 1];
      level.weight[place] = count - discount;
      context.total[level.keys[place] >> 32] += count;
      context.left[level.keys[place] >> 32] += discount;
    }
  }
}

double KneserNey::probability(std::span<const int32_t> before, int32_t id) const {
  double p = 1.0 / static_cast<double>(vocabulary_);
  const size_t longest = std::min(levels_.size() - 2, before.size());
  for (size_t length = 0; length <= longest; ++length) {
    uint32_t place = 0;
    for (size_t n = 1; n <= length && place != kNone; ++n)
      place = place_of(levels_[n].keys, key_of(place, before[before.size() - length + n - 1]));
    if (place == kNone || levels_[length].total[place] == 0) break;  // longer contexts have not been seen either
    const Level& context = levels_[length];
    const uint32_t whole = place_of(levels_[length + 1].keys, key_of(place, id));
    const double weight = whole == kNone ? 0.0 : levels_[length + 1].weight[whole];
    p = (weight + context.left[place] * p) / context.total[place];
  }
  return p;
}

std::vector<double> KneserNey::nats(const std::vector<int32_t>& sequence) const {
  std::vector<int32_t> ids = {begin()};
  ids.insert(ids.end(), sequence.begin(), sequence.end());
  std::vector<double> all;
  for (size_t at = 1; at < ids.size(); ++at) all.push_back(-std::log(probability(std::span(ids).first(at), ids[at])));
  return all;
}

}  // namespace tvae
