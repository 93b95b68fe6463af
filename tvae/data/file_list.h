// Files named by the user, folders opened up.
#pragma once

#include <string>
#include <vector>

namespace tvae {

/// Files as they are; of folders all the files below them with this extension (".py"; "" = any), sorted. Throws
/// DataError where a path does not exist.
std::vector<std::string> list_files(const std::vector<std::string>& paths, const std::string& extension = "");

}  // namespace tvae
