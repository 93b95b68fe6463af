// Files named by the user, folders opened up.
#pragma once

#include <string>
#include <vector>

namespace tvae {

/// Files as they are; of folders all the files below them with this extension (".py"; "" = any), sorted, without those
/// in folders of the skipped names. Throws DataError where a path does not exist.
std::vector<std::string> list_files(const std::vector<std::string>& paths, const std::string& extension = "",
                                    const std::vector<std::string>& skipped_folders = {});

}  // namespace tvae
