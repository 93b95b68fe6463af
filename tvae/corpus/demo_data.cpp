#include "tvae/corpus/demo_data.h"

#include <map>
#include <string_view>
#include <unordered_set>

#include "tvae/base/error.h"
#include "tvae/base/random.h"

namespace tvae {
namespace {

// A rule's name and its alternatives, each as likely as the others; "$rule" stands for something made by that rule.
using Grammar = std::map<std::string, std::vector<std::string>, std::less<>>;

const Grammar& grammar() {
  static const Grammar rules = {
      {"noun", {"user",  "node", "path", "item",  "value", "index",  "name",  "key",   "count", "size",
                "token", "line", "file", "state", "score", "weight", "batch", "label", "time",  "level"}},
      {"adjective",
       {"new", "old", "last", "first", "next", "max", "min", "total", "current", "default", "open", "raw"}},
      {"verb", {"get", "set", "load", "save", "parse", "read", "write", "find", "update", "add", "remove", "check"}},
      {"plural",
       {"users", "nodes", "paths", "items", "values", "names", "keys", "tokens", "lines", "files", "scores", "weights",
        "labels", "levels"}},
      {"class", {"User", "Node", "Parser", "Reader", "Writer", "Config", "Model", "Token", "Batch", "Queue"}},
      {"error", {"ValueError", "KeyError", "TypeError", "IndexError", "RuntimeError"}},
      {"module", {"os", "re", "sys", "json", "math", "time", "random", "logging", "itertools"}},
      {"number", {"0", "1", "2", "3", "4", "8", "10", "16", "32", "64", "100", "0.5", "1.0", "-1"}},
      {"word", {"text", "data", "error", "mode", "train", "test", "start", "end", "left", "right", "id", "type"}},
      {"complaint", {"no $noun", "missing $noun", "bad $noun", "unknown $noun", "empty $plural", "$noun is too large"}},

      {"variable", {"$noun", "$noun", "$adjective_$noun", "$noun_$noun"}},
      {"function", {"$verb_$noun", "$verb_$noun", "$verb_$plural", "is_$noun", "$verb"}},
      {"string", {"\"$word\"", "\"$noun\"", "\"$word_$noun\"", "\"\""}},
      {"attribute", {"self.$variable", "$noun.$noun", "self.$plural"}},
      {"atom", {"$variable", "$variable", "$attribute", "$number", "$string", "None", "True", "False"}},
      {"operator", {"+", "-", "*", "/", "//", "%"}},
      {"comparison", {"==", "!=", "<", ">", "<=", ">="}},
      {"arguments", {"", "$atom", "$atom", "$variable, $atom", "$variable, $noun=$atom", "$noun=$number"}},
      {"call",
       {"$function($arguments)", "self.$function($arguments)", "$noun.$verb($arguments)", "len($plural)",
        "$class($arguments)", "max($plural)", "min($variable, $number)", "sum($plural)", "str($variable)"}},
      {"arithmetic",
       {"$variable $operator $number", "$variable $operator $variable", "$attribute $operator $number",
        "($variable $operator $variable) $operator $number"}},
      {"condition",
       {"$variable $comparison $number", "$variable $comparison $variable", "$variable is None",
        "$variable is not None", "not $attribute", "$variable in $plural", "$noun not in self.$plural",
        "isinstance($variable, $class)", "$attribute $comparison $number", "$variable and not $variable"}},
      {"collection",
       {"$plural", "self.$plural", "range($number)", "range(len($plural))", "sorted($plural)", "$noun.$plural",
        "zip($plural, $plural)"}},
      {"element", {"x", "x.$noun", "x * $number", "$function(x)", "str(x)", "x[$number]"}},
      {"literal",
       {"[]", "[$atom, $atom]", "[$number, $number, $number]", "{}", "{$string: $atom}",
        "{$string: $atom, $string: $atom}", "($variable, $variable)", "[$element for x in $collection]",
        "[x for x in $plural if x $comparison $number]", "f\"$word {$variable}\"", "$plural[$number]",
        "$plural[$number:]", "$plural[$string]"}},
      {"value",
       {"$atom", "$call", "$call", "$arithmetic", "$literal", "$literal", "$condition",
        "$atom if $condition else $atom", "lambda x: $element"}},
      {"simple",
       {"$variable = $value", "$variable = $call", "self.$variable = $value", "$variable += $number",
        "$plural.append($value)", "self.$function($arguments)", "return $value", "return $call"}},
      {"jump", {"continue", "break", "return", "return $atom", "pass"}},
      {"line",
       {"$simple",
        "$simple",
        "$simple",
        "$simple",
        "$variable, $variable = $call",
        "$plural[$variable] = $value",
        "if $condition: $jump",
        "if $condition: $simple",
        "for $noun in $collection: $simple",
        "for i, $noun in enumerate($plural): $simple",
        "while $condition: $variable -= $number",
        "assert $condition, \"$complaint\"",
        "raise $error(\"$complaint\")",
        "raise $error(f\"$complaint {$variable}\")",
        "with open($variable) as file: $variable = file.read()",
        "from $module import $function",
        "import $module",
        "print(\"$word\", $value)",
        "def $function(self): return self.$variable",
        "def $function($noun, $variable=$number): return $value",
        "class $class$error(Exception): pass",
        "del $plural[$variable]",
        "yield $value"}},
  };
  return rules;
}

bool is_letter(char c) {
  return c >= 'a' && c <= 'z';
}

std::string make(const std::string& rule, PortableRandom& random) {
  const std::vector<std::string>& alternatives = grammar().at(rule);
  const std::string& pattern = alternatives[random.below(alternatives.size())];
  std::string text;
  for (size_t i = 0; i < pattern.size();) {
    if (pattern[i] != '$') {
      text += pattern[i++];
      continue;
    }
    size_t end = i + 1;
    while (end < pattern.size() && is_letter(pattern[end])) ++end;
    text += make(pattern.substr(i + 1, end - i - 1), random);
    i = end;
  }
  return text;
}

}  // namespace

std::vector<std::string> make_demo_lines(int64_t count, uint64_t seed) {
  constexpr int64_t kTries = 20;  // a line, on average
  PortableRandom random(seed);
  std::unordered_set<std::string> seen;
  std::vector<std::string> lines;
  for (int64_t tries = kTries * count; static_cast<int64_t>(lines.size()) < count; --tries) {
    if (tries == 0) throw ConfigError("too many lines", std::to_string(count), "at most some millions");
    std::string line = make("line", random);
    if (seen.insert(line).second) lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace tvae
