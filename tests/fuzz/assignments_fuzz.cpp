#include "tests/fuzz/fuzz.h"
#include "tvae/base/strings.h"
#include "tvae/config/presets.h"

/// Lines KEY=VALUE are assignments, other lines names of presets.
TVAE_FUZZ(assignments) {
  std::vector<std::string> presets, assignments;
  for (const std::string& line : tvae::split(data, '\n'))
    (line.find('=') == std::string::npos ? presets : assignments).push_back(line);
  const tvae::RunConfig config = tvae::resolve_config(presets, assignments).config;
  const tvae::RunConfig again = tvae::run_config_from_json(tvae::to_json(config));
  TVAE_ASSERT(tvae::differing_keys(config, again).empty(), "a configuration that does not read back");
}
