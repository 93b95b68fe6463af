#include "tests/fuzz/fuzz.h"
#include "tvae/base/json.h"
#include "tvae/config/presets.h"

/// A configuration in JSON, as run.json holds it: what is read writes a JSON that reads back as the same.
TVAE_FUZZ(config) {
  const nlohmann::ordered_json json = tvae::parse_json(data);
  if (json.is_discarded()) return;
  if (json.is_object()) tvae::model_config_from_json(json);  // config.json: keys that it does not know are passed over
  const tvae::RunConfig config = tvae::run_config_from_json(json);
  const tvae::RunConfig again = tvae::run_config_from_json(tvae::parse_json(tvae::to_json(config).dump()));
  TVAE_ASSERT(tvae::differing_keys(config, again).empty(), "a configuration that does not read back");
}
