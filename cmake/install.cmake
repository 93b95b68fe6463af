# make install: the two programs, side by side (apps/main.cpp), and the library with its headers and a CMake package, so
# that find_package(tvae) gives the target tvae::tvae (docs/embedding.md).
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

get_property(tvae_libraries GLOBAL PROPERTY TVAE_LIBRARIES) # every tvae_library()
list(TRANSFORM tvae_libraries REPLACE "^tvae_" "" OUTPUT_VARIABLE tvae_folders)

# What a program that embeds the library links: all of it. The installed package adds libtorch's headers, whose folder
# may lie in this tree (.venv), where CMake exports no path.
add_library(tvae_all INTERFACE)
set_target_properties(tvae_all PROPERTIES EXPORT_NAME tvae)
tvae_link(tvae_all INTERFACE tvae_plan tvae_eval)
target_include_directories(tvae_all INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_compile_features(tvae_all INTERFACE cxx_std_20)
target_link_libraries(tvae_all INTERFACE tvae_libtorch)

if(TORCH_TO_INSTALL)
  file(RELATIVE_PATH to_libtorch /prefix/${CMAKE_INSTALL_BINDIR} /prefix/${CMAKE_INSTALL_LIBDIR}/tvae/libtorch)
  set_target_properties(tvae_tensors PROPERTIES INSTALL_RPATH "$ORIGIN/${to_libtorch}")
  install(FILES ${TORCH_TO_INSTALL} DESTINATION ${CMAKE_INSTALL_LIBDIR}/tvae/libtorch)
endif()
set_target_properties(tvae PROPERTIES INSTALL_RPATH "") # it needs nothing of libtorch
install(TARGETS tvae tvae_tensors RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
# What the program itself says of its flags, for shells and man.
foreach(kind_and_file bash:${CMAKE_INSTALL_DATADIR}/bash-completion/completions/tvae
        zsh:${CMAKE_INSTALL_DATADIR}/zsh/site-functions/_tvae
        fish:${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d/tvae.fish
        man:${CMAKE_INSTALL_MANDIR}/man1/tvae.1)
  string(REGEX MATCH "^[^:]+" kind ${kind_and_file})
  string(REGEX REPLACE "^[^:]+:" "" file ${kind_and_file})
  install(CODE "
    set(file \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${file}\")
    cmake_path(GET file PARENT_PATH folder)
    file(MAKE_DIRECTORY \"\${folder}\")
    execute_process(COMMAND \"$<TARGET_FILE:tvae>\" completion ${kind} OUTPUT_FILE \"\${file}\" COMMAND_ERROR_IS_FATAL ANY)")
endforeach()
install(DIRECTORY ${CMAKE_SOURCE_DIR}/tvae DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(TARGETS tvae_all ${tvae_libraries} tvae_libtorch tvae_svm tvae_hnswlib EXPORT tvae_targets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}/tvae)
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/tvae)
install(EXPORT tvae_targets NAMESPACE tvae:: DESTINATION ${package_folder} FILE tvaeTargets.cmake)
configure_file(${CMAKE_SOURCE_DIR}/cmake/tvaeConfig.cmake.in ${CMAKE_BINARY_DIR}/tvaeConfig.cmake @ONLY)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/tvaeConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/tvaeConfig.cmake ${CMAKE_BINARY_DIR}/tvaeConfigVersion.cmake
  DESTINATION ${package_folder})
