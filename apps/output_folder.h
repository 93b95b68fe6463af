// The folder that a verb writes a whole model into.
#pragma once

#include <string>

#include "tvae/run/run_directory.h"

namespace tvae::apps {

/// A new folder, or with --overwrite one whose model is replaced. Throws as RunDirectory does.
inline RunDirectory open_output(const std::string& path, bool overwrite) {
  try {
    return RunDirectory(path, overwrite ? StartMode::kOverwrite : StartMode::kNew);
  } catch (const OccupiedFolder& occupied) {
    throw ConfigError(occupied.what(), "", "", "--overwrite replaces it");
  }
}

}  // namespace tvae::apps
