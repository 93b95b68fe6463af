#include "tests/fuzz/fuzz.h"
#include "tvae/validity/validity.h"

/// The first byte chooses between JSON and ABC; whether the text is valid, and whether the syntax that helps to write
/// one lets it be written.
TVAE_FUZZ(text_kinds) {
  const std::string name = (tvae::test::take_byte(data) & 1) != 0 ? "json" : "abc";
  const bool valid = tvae::make_validity_check(name)->valid({std::string(data)})[0];
  const auto syntax = tvae::make_bracket_syntax(name);
  if (!valid || !syntax) return;
  for (size_t i = 0; i < data.size(); ++i)
    TVAE_ASSERT(syntax->append(data.substr(i, 1)), "the beginning of a valid text is refused");
  TVAE_ASSERT(syntax->missing() == 0, "a valid text may not end");
}
