# hnswlib, which searches neighbours of codes; headers alone, which come without a CMake or pkg-config file.
find_path(HNSWLIB_INCLUDE_DIR hnswlib/hnswlib.h)
if(NOT HNSWLIB_INCLUDE_DIR)
  message(FATAL_ERROR "No HNSWLIB_INCLUDE_DIR. Run tools/setup.sh, or install libhnswlib-dev.")
endif()
add_library(tvae_hnswlib INTERFACE)
target_include_directories(tvae_hnswlib SYSTEM INTERFACE ${HNSWLIB_INCLUDE_DIR})
