#include "tests/fuzz/fuzz.h"
#include "tvae/base/json.h"

/// What is read nests no deeper than it may, and is the same when it is written and read again.
TVAE_FUZZ(json) {
  const nlohmann::ordered_json json = tvae::parse_json(data);
  if (json.is_discarded()) return;
  TVAE_ASSERT(!tvae::nests_deeper(json.dump(), tvae::kDeepestJson), "a value that nests too deeply");
  TVAE_ASSERT(tvae::parse_json(json.dump()) == json, "a value that does not read back");
}
