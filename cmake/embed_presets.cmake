# presets/*.json become one generated source, so that the program finds them wherever it is installed.
file(GLOB_RECURSE preset_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/presets/*.json)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${preset_files})
set(PRESET_ENTRIES "")
foreach(file ${preset_files})
  get_filename_component(name ${file} NAME_WE)
  file(READ ${file} text)
  string(APPEND PRESET_ENTRIES "      {\"${name}\", R\"preset(${text})preset\"},\n")
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
