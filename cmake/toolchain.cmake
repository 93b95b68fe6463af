# Compiler, linker and cache settings shared by every target.
list(APPEND CMAKE_MODULE_PATH ${CMAKE_SOURCE_DIR}/cmake)

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  # A precompiled header needs ccache to ignore time macros and the header's own time stamp.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE_PROGRAM})
endif()
# A source that includes libtorch needs up to 2 GB to compile; more at once than memory holds would be slower or fail.
cmake_host_system_information(RESULT memory_mib QUERY TOTAL_PHYSICAL_MEMORY)
math(EXPR compile_jobs "${memory_mib} / 2048 + 1")
set_property(GLOBAL PROPERTY JOB_POOLS compile=${compile_jobs})
set(CMAKE_JOB_POOL_COMPILE compile)

add_compile_options(-fno-math-errno)
if(TVAE_NATIVE)
  add_compile_options(-march=native)
endif()
if(TVAE_ASAN)
  add_compile_options(-fsanitize=address,undefined -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
endif()
if(TVAE_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "TVAE_FUZZ needs libFuzzer: configure with -DCMAKE_CXX_COMPILER=clang++")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
endif()

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC would walk all of libtorch's precompiled header whenever it looks for memory to free: a sixth of its time.
  set(TVAE_COMPILER_MEMORY --param=ggc-min-heapsize=1572864)
endif()
set(TVAE_LIGHT $<$<CONFIG:Release>:-O1>)
set(TVAE_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor $<$<BOOL:${TVAE_WERROR}>:-Werror> -Wno-unused-parameter
  -Winvalid-pch)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC 12 sees overflows in inlined std::string concatenation that are not there (GCC bug 105329).
  list(APPEND TVAE_WARNINGS -Wno-stringop-overflow -Wno-restrict -Wno-array-bounds)
endif()
