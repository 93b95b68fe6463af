// Files named by the user, folders opened up.
#pragma once

#include <string>
#include <vector>

namespace tvae {

/// Files as they are; of folders all the files below them with this extension (".py", also under an ending of
/// compression; "" = any), sorted, without those in folders of the skipped names. Links to folders are not followed.
/// Warns of what below a folder cannot be read (a folder without permission, a link to itself). Throws DataError where
/// a path does not exist or cannot be read.
std::vector<std::string> list_files(const std::vector<std::string>& paths, const std::string& extension = "",
                                    const std::vector<std::string>& skipped_folders = {});

}  // namespace tvae
