// What the figures of a report mean, one line each (the definitions of the protocol): the report's page prints them.
#pragma once

#include <string>

namespace tvae {

/// Of a section ("prior"), or of a figure in it ("prior", "valid"); "" for one that has no entry.
std::string figure_meaning(const std::string& section, const std::string& figure = "");

}  // namespace tvae
