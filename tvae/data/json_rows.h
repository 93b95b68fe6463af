// Rows of JSON in the shapes that people's tools write. Used by parse_rows.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "tvae/data/row_collector.h"

namespace tvae {

/// RowFormat::kJson, and kJsonLines where `lines`. Throws DataError for an object that holds no rows.
void read_json(std::string_view content, bool lines, RowCollector& rows);

/// The value of a column: the field of that name, or, of "outer.inner", that of the object in the field "outer";
/// nullptr where there is none.
const nlohmann::ordered_json* find_field(const nlohmann::ordered_json& object, const std::string& column);

/// Whether a text begins as rows of JSON do: with an object, or an array of objects.
bool looks_like_json(std::string_view content);

}  // namespace tvae
