# Files that the program carries with it, as strings of a generated source, so that it finds them wherever it is installed.

# The variable becomes FILE as a C++ raw string.
function(tvae_raw_string variable file)
  set_property(DIRECTORY ${CMAKE_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  file(READ ${file} text)
  set(${variable} "R\"embedded(${text})embedded\"" PARENT_SCOPE)
endfunction()

file(GLOB_RECURSE preset_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/presets/*.json)
set(PRESET_ENTRIES "")
foreach(file ${preset_files})
  get_filename_component(name ${file} NAME_WE)
  tvae_raw_string(text ${file})
  string(APPEND PRESET_ENTRIES "      {\"${name}\", ${text}},\n")
endforeach()
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/preset_texts.cpp @ONLY CONTENT
"// Generated from presets/*.json.
#include \"tvae/config/presets.h\"

namespace tvae {
const std::vector<PresetText>& preset_texts() {
  static const std::vector<PresetText> texts = {
@PRESET_ENTRIES@  };
  return texts;
}
}  // namespace tvae
")
target_sources(tvae_config PRIVATE ${CMAKE_BINARY_DIR}/generated/preset_texts.cpp)

tvae_raw_string(REPORT_PAGE ${CMAKE_SOURCE_DIR}/tvae/eval/report_page.html)
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/report_page_template.cpp @ONLY CONTENT
"// Generated from tvae/eval/report_page.html.
#include \"tvae/eval/report_page.h\"

namespace tvae {
const std::string& report_page_template() {
  static const std::string page = @REPORT_PAGE@;
  return page;
}
}  // namespace tvae
")
target_sources(tvae_eval PRIVATE ${CMAKE_BINARY_DIR}/generated/report_page_template.cpp)

# The explorer: its contract, and the files of its page (web/dist, kept in the repository).
tvae_raw_string(OPENAPI_DOCUMENT ${CMAKE_SOURCE_DIR}/server/openapi.json)
file(GLOB_RECURSE page_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/web/dist/*)
set(PAGE_ENTRIES "")
foreach(file ${page_files})
  file(RELATIVE_PATH name ${CMAKE_SOURCE_DIR}/web/dist ${file})
  tvae_raw_string(text ${file})
  string(APPEND PAGE_ENTRIES "      {\"/${name}\", ${text}},\n")
endforeach()
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/page_files.cpp @ONLY CONTENT
"// Generated from web/dist and server/openapi.json.
#include \"server/api.h\"

namespace tvae::server {
const std::vector<std::pair<std::string, std::string>>& page_files() {
  static const std::vector<std::pair<std::string, std::string>> files = {
@PAGE_ENTRIES@  };
  return files;
}
const std::string& openapi_document() {
  static const std::string document = @OPENAPI_DOCUMENT@;
  return document;
}
}  // namespace tvae::server
")
target_sources(tvae_server PRIVATE ${CMAKE_BINARY_DIR}/generated/page_files.cpp)
