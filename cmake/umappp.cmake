# umappp, by which tvae/latent/umap.cpp lays out maps; headers alone, in the Python package assorthead. Without them the
# program's maps have no UMAP.
if(Python_EXECUTABLE)
  execute_process(
    COMMAND ${Python_EXECUTABLE} -c "import importlib.util as u; print(u.find_spec('assorthead').submodule_search_locations[0])"
    OUTPUT_VARIABLE assorthead OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
find_path(UMAPPP_INCLUDE_DIR umappp/umappp.hpp HINTS ${assorthead}/include)
if(UMAPPP_INCLUDE_DIR)
  # What the compiler says of its own AVX-512 header, once Eigen uses it, is no fault of anybody's.
  set_source_files_properties(tvae/latent/umap.cpp PROPERTIES COMPILE_DEFINITIONS TVAE_UMAP
    COMPILE_OPTIONS "-isystem;${UMAPPP_INCLUDE_DIR};-Wno-maybe-uninitialized" SKIP_PRECOMPILE_HEADERS ON)
else()
  message(STATUS "no umappp (Python package assorthead): maps without UMAP")
endif()
