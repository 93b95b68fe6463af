# cmake -DPROGRAM=... -DOUTPUT=... -P: what a program answers about itself, as a string of a generated source.
cmake_minimum_required(VERSION 3.25)
execute_process(COMMAND ${PROGRAM} completion json OUTPUT_VARIABLE ANSWERS COMMAND_ERROR_IS_FATAL ANY)
file(CONFIGURE OUTPUT ${OUTPUT} @ONLY CONTENT
"// Generated from what tvae-tensors prints.
#include \"apps/answers.h\"

namespace tvae::apps {
const char* answers_json() {
  return R\"embedded(@ANSWERS@)embedded\";
}
}  // namespace tvae::apps
")
