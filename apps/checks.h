// Checks of the values of flags. What they accept is shown by --help too, in the same words.
#pragma once

#include <CLI/CLI.hpp>
#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "tvae/base/ranges.h"
#include "tvae/base/strings.h"

namespace tvae::apps {

/// A number in a range, both ends included; NaN is in none.
inline CLI::Validator in_range(double least, double most = std::numeric_limits<double>::infinity()) {
  const auto check = [least, most](const std::string& word) -> std::string {
    double value = 0.0;
    if (CLI::detail::lexical_cast(word, value) && value >= least && value <= most) return "";
    return "got " + word + ", expected " + range_text(least, most);
  };
  return {check, range_text(least, most)};
}

/// One of some words.
inline CLI::Validator one_of(const std::vector<std::string>& words) {
  const auto check = [words](const std::string& word) -> std::string {
    if (std::find(words.begin(), words.end(), word) != words.end()) return "";
    const std::string near = nearest(word, words);
    return "got \"" + word + "\", expected one of " + join(words, ", ") +
           (near.empty() ? "" : " (did you mean " + near + "?)");
  };
  return {check, join(words, "|")};
}

/// An option that is one of several words, each of which stands for a value; the value that is there is the default.
template <class Value>
CLI::Option* add_choice(CLI::App& command, const std::string& name, Value& value,
                        const std::vector<std::pair<std::string, Value>>& choices, const std::string& help) {
  std::vector<std::string> words;
  std::string chosen;
  for (const auto& [word, meaning] : choices) {
    words.push_back(word);
    if (meaning == value) chosen = word;
  }
  const auto choose = [&value, choices](const std::string& given) {
    for (const auto& [word, meaning] : choices)
      if (word == given) value = meaning;
  };
  return command.add_option_function<std::string>(name, choose, help)->check(one_of(words))->default_str(chosen);
}

}  // namespace tvae::apps
