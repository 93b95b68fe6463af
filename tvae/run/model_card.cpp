#include "tvae/run/model_card.h"

#include "tvae/base/strings.h"

namespace tvae {
namespace {

constexpr char kStart[] = "<!-- scores -->\n", kEnd[] = "<!-- end of scores -->\n";

}  // namespace

std::string without_scores(const std::string& card) {
  const size_t start = card.find(kStart);
  const size_t end = card.find(kEnd, start);
  if (end == std::string::npos) return card;
  return card.substr(0, start) + card.substr(end + std::size(kEnd) - 1);
}

std::string with_scores(const std::string& card, const std::vector<std::string>& table) {
  const size_t found = card.find(kStart);
  const std::string rest = without_scores(card);
  const size_t place = rest.size() == card.size() ? rest.size() : found;  // where earlier scores were, or at the end
  return rest.substr(0, place) + kStart + "\n## Scores\n\nBy `tvae eval`; [ ] are 95% intervals.\n\n```\n" +
         join(table, "\n") + "\n```\n" + kEnd + rest.substr(place);
}

}  // namespace tvae
