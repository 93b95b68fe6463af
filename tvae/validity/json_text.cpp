// Texts that are JSON, and what keeps their brackets in order.
#include "tvae/base/json.h"
#include "tvae/validity/validity.h"

namespace tvae {
namespace {

bool is_json(std::string_view text) {
  return !nests_deeper(text, kDeepestJson) && nlohmann::json::accept(text);
}

std::unique_ptr<ValidityCheck> make_json_check() {
  return std::make_unique<FunctionCheck>(is_json, "a JSON value");
}

/// Brackets and strings.
class JsonState {
 public:
  bool take(char c) {
    if (escaped_ || (in_string_ && c != '"')) {
      escaped_ = !escaped_ && c == '\\';
    } else if (c == '"') {
      in_string_ = !in_string_;
    } else if (c == '[' || c == '{') {
      open_ += c == '[' ? ']' : '}';
    } else if (c == ']' || c == '}') {
      if (!open_.ends_with(c)) return false;
      open_.pop_back();
    }
    return true;
  }
  int64_t missing() const { return static_cast<int64_t>(open_.size()) + in_string_ + escaped_; }

 private:
  std::string open_;  // the brackets that have to come, the next one last
  bool in_string_ = false, escaped_ = false;
};

std::unique_ptr<BracketSyntax> make_json_syntax() {
  return std::make_unique<CharacterSyntax<JsonState>>();
}

const Register<TextKind> registered(text_kinds(), {"json", "JSON", {make_json_check, make_json_syntax}});

}  // namespace
}  // namespace tvae
