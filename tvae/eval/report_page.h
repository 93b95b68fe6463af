// The report as a page for the browser: one file without outside resources, made from report_page.html.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace tvae {

/// Every section of `report` (run_protocol) as tables, whatever its keys, and the examples that are there
/// (report_examples; {} is none) as tables and plots. Tables need no JavaScript. Texts may be any bytes.
std::string report_page(const nlohmann::ordered_json& report, const nlohmann::ordered_json& examples);

/// tvae/eval/report_page.html, built into the program by cmake/embed.cmake.
const std::string& report_page_template();

}  // namespace tvae
