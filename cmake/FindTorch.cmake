# find_package(Torch): in -DTVAE_TORCH=DIR, the environment variable TVAE_TORCH, .venv, or where CMAKE_PREFIX_PATH leads.
# Stands in for the wheel's own TorchConfig.cmake, because that of a CUDA wheel refuses to go on where no CUDA compiler
# is installed, and linking needs none. Sets TORCH_LIBRARIES and TORCH_INCLUDE_DIRS.
set(TVAE_TORCH "" CACHE PATH "A PyTorch to use: the folder torch/ of its site-packages")

function(tvae_find_torch)
  file(GLOB venv ${CMAKE_SOURCE_DIR}/.venv/lib/python3*/site-packages/torch)
  find_path(config_dir TorchConfig.cmake PATH_SUFFIXES Torch share/cmake/Torch NO_CACHE)
  if(TVAE_TORCH)
    set(candidates ${TVAE_TORCH})
  elseif(NOT "$ENV{TVAE_TORCH}" STREQUAL "")
    set(candidates $ENV{TVAE_TORCH})
  elseif(SKBUILD) # what the package will run with, even where pip builds in an environment of its own
    execute_process(COMMAND ${Python_EXECUTABLE} -c "import importlib.util, pathlib, sysconfig
spec = importlib.util.find_spec('torch')
print(pathlib.Path(spec.origin).parent if spec else sysconfig.get_path('platlib') + '/torch')"
      OUTPUT_VARIABLE candidates OUTPUT_STRIP_TRAILING_WHITESPACE)
  else()
    set(candidates ${venv} ${config_dir}/../../..)
  endif()
  foreach(candidate ${candidates})
    get_filename_component(root ${candidate} ABSOLUTE)
    if(EXISTS ${root}/include/torch/csrc/api/include/torch/torch.h AND EXISTS ${root}/lib/libtorch.so)
      set(torch_root ${root} PARENT_SCOPE)
      return()
    endif()
  endforeach()
  message(FATAL_ERROR "No libtorch in: ${candidates}\n"
    "Run tools/setup.sh, or give -DTVAE_TORCH=DIR: the folder that holds include/ and lib/libtorch.so.")
endfunction()

tvae_find_torch()
message(STATUS "libtorch: ${torch_root}")
set(TORCH_INCLUDE_DIRS ${torch_root}/include ${torch_root}/include/torch/csrc/api/include)

if(NOT TARGET tvae_libtorch)
  add_library(tvae_libtorch INTERFACE)
  target_link_libraries(tvae_libtorch INTERFACE
    ${torch_root}/lib/libtorch.so ${torch_root}/lib/libtorch_cpu.so ${torch_root}/lib/libc10.so)
  if(EXISTS ${torch_root}/lib/libtorch_cuda.so)
    # Next to nothing calls libtorch_cuda by name (it registers its kernels when loaded), so the linker is told to keep it; the
    # CUDA libraries it needs in turn it finds by its own search path.
    target_link_libraries(tvae_libtorch INTERFACE -Wl,--no-as-needed
      ${torch_root}/lib/libtorch_cuda.so ${torch_root}/lib/libc10_cuda.so -Wl,--as-needed -Wl,--allow-shlib-undefined)
  endif()
  # What NCCL's part of libtorch includes (tvae/dist/c10d_communicator.cpp): CUDA's own headers, and NCCL's, of a toolkit
  # or of the packages that pip installs beside a libtorch with CUDA.
  if(EXISTS ${torch_root}/lib/libtorch_cuda.so)
    target_compile_definitions(tvae_libtorch INTERFACE TVAE_TORCH_HAS_CUDA)
    file(GLOB beside_torch ${torch_root}/../nvidia/*/include)
    find_path(TVAE_CUDA_INCLUDE cuda_runtime_api.h HINTS ENV CUDA_HOME PATHS /usr/local/cuda ${beside_torch}
      PATH_SUFFIXES include)
    find_path(TVAE_NCCL_INCLUDE nccl.h HINTS ENV NCCL_HOME PATHS ${beside_torch} /usr/local/cuda PATH_SUFFIXES include)
    if(TVAE_CUDA_INCLUDE AND TVAE_NCCL_INCLUDE)
      target_include_directories(tvae_libtorch SYSTEM INTERFACE ${TVAE_CUDA_INCLUDE} ${TVAE_NCCL_INCLUDE} ${beside_torch})
    endif()
  endif()
  # Code that calls at::parallel_for runs serially unless it is compiled with OpenMP; linked with libtorch's own runtime.
  file(GLOB gomp ${torch_root}/lib/libgomp*.so*)
  if(NOT TVAE_FUZZ) # clang would bring a runtime of its own, and one thread is what a fuzzer wants
    target_compile_options(tvae_libtorch INTERFACE -fopenmp)
    target_link_libraries(tvae_libtorch INTERFACE $<IF:$<BOOL:${gomp}>,${gomp},-fopenmp>)
  endif()
endif()
set(TORCH_LIBRARIES tvae_libtorch)

# An installed program finds libtorch where it was built against. Where that lies in this tree, which may go away, the
# program has its own copy of what it needs of it (cmake/install.cmake).
set(CMAKE_INSTALL_RPATH ${torch_root}/lib)
set(TORCH_TO_INSTALL)
cmake_path(IS_PREFIX CMAKE_SOURCE_DIR ${torch_root} NORMALIZE torch_is_in_tree)
if(torch_is_in_tree AND NOT EXISTS ${torch_root}/lib/libtorch_cuda.so)
  file(GLOB TORCH_TO_INSTALL ${torch_root}/lib/libtorch_cpu.so ${torch_root}/lib/libc10.so
    ${torch_root}/lib/libgomp*.so*)
endif()
set(Torch_FOUND TRUE)
