// Several files that are read as one.
#pragma once

#include <string>
#include <vector>

namespace tvae {

/// Between the names of several files.
constexpr char kBetweenFiles = '|';

/// The files that a path stands for: itself where there is such a file, or nothing tells of others; those of a pattern
/// with *, ? or [], in order of their names; and those of several of them with | between. A file that is named
/// twice is one: patterns overlap. Throws DataError for a pattern that fits no file.
std::vector<std::string> files_of(const std::string& path);

/// The path with every one of several made absolute; "" stays, and "-" becomes the name of the file that stdin is
/// redirected from, or /dev/stdin. Throws ConfigError where one of several is empty, or stdin has been read in part.
std::string absolute_files(const std::string& path);

/// Whether all of them are there, as files that can be read again.
bool files_can_be_read_again(const std::string& path);

/// Throws DataError for a folder, which may hold anything, and says what can be read instead.
void require_no_folder(const std::string& path);

}  // namespace tvae
