#include "tvae/eval/model_card.h"

#include "tvae/base/strings.h"

namespace tvae {
namespace {

constexpr char kHeading[] = "\n## Scores\n";

}  // namespace

std::string without_scores(const std::string& card) {
  return card.substr(0, card.find(kHeading));
}

std::string with_scores(const std::string& card, const std::vector<std::string>& table) {
  return without_scores(card) + kHeading + "\nBy `tvae eval`; [ ] are 95% intervals.\n\n```\n" + join(table, "\n") +
         "\n```\n";
}

}  // namespace tvae
