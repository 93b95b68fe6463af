# A Python with nanobind, for the module tvae._core (python/). TVAE_PYTHON: AUTO (where there is one), ON, OFF. Included
# before the libraries, which a module needs as position-independent code.
set(TVAE_PYTHON AUTO CACHE STRING "Build the Python module: AUTO, ON, OFF")
if(NOT TVAE_PYTHON)
  return()
endif()

if(NOT SKBUILD AND NOT Python_EXECUTABLE AND EXISTS ${CMAKE_SOURCE_DIR}/.venv/bin/python)
  set(Python_EXECUTABLE ${CMAKE_SOURCE_DIR}/.venv/bin/python)
endif()
find_package(Python 3.11 QUIET COMPONENTS Interpreter Development.Module)
if(Python_FOUND)
  execute_process(COMMAND ${Python_EXECUTABLE} -m nanobind --cmake_dir
    OUTPUT_VARIABLE nanobind_ROOT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  find_package(nanobind CONFIG QUIET)
endif()
if(nanobind_FOUND)
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)
elseif(TVAE_PYTHON STREQUAL "AUTO")
  message(STATUS "no Python with its headers and nanobind: the Python module is not built")
else()
  message(FATAL_ERROR "TVAE_PYTHON needs Python 3.11 or newer with its headers (Debian: python3-dev) and nanobind (pip)")
endif()
