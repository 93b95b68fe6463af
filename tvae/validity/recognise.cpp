#include "tvae/validity/recognise.h"

#include <algorithm>
#include <random>

#include "tvae/base/utf8.h"
#include "tvae/validity/validity.h"

namespace tvae {
namespace {

constexpr size_t kJudged = 400;
constexpr double kMostShuffled = 0.5;

double share(ValidityCheck& check, const std::vector<std::string>& texts) {
  const std::vector<bool> valid = check.valid(texts);
  return static_cast<double>(std::count(valid.begin(), valid.end(), true)) / static_cast<double>(valid.size());
}

}  // namespace

RecognisedKind recognise_kind(const std::vector<std::string>& texts, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::string> judged, shuffled;
  for (size_t i = 0; i < std::min(kJudged, texts.size()); ++i) {
    judged.push_back(texts.size() <= kJudged ? texts[i] : texts[random() % texts.size()]);
    std::vector<std::string_view> characters = utf8_characters(judged.back());
    for (size_t left = characters.size(); left > 1; --left)
      std::swap(characters[left - 1], characters[random() % left]);
    shuffled.emplace_back();
    for (const std::string_view character : characters) shuffled.back() += character;
  }
  RecognisedKind recognised;
  if (judged.empty()) return recognised;
  double best = 0;
  for (const auto& [name, help, kind, order] : text_kinds().entries()) {
    const auto check = kind.make_check();  // what it lacks is told where it is used
    if (!check) continue;
    const double passed = recognised.shares[name] = share(*check, judged);
    if (passed < kRecognisedShare || passed <= best || share(*check, shuffled) > kMostShuffled) continue;
    best = passed;
    recognised.name = name;
  }
  return recognised;
}

}  // namespace tvae
