# libtorch_cpu exports at::native::mkldnn_matmul but installs no header for it. Where it links, tvae/ops/linear.cpp uses it.
include(CheckCXXSourceCompiles)
set(CMAKE_REQUIRED_LIBRARIES ${torch_root}/lib/libtorch_cpu.so ${torch_root}/lib/libc10.so
  -Wl,--unresolved-symbols=ignore-in-shared-libs)
set(CMAKE_REQUIRED_INCLUDES ${TORCH_INCLUDE_DIRS})
check_cxx_source_compiles("
#include <ATen/core/Tensor.h>
namespace at::native { TORCH_API void mkldnn_matmul(const Tensor&, const Tensor&, const Tensor&, float, float); }
int main() { at::Tensor t; at::native::mkldnn_matmul(t, t, t, 0.f, 1.f); }" TVAE_ONEDNN_MATMUL_LINKS)
unset(CMAKE_REQUIRED_LIBRARIES)
unset(CMAKE_REQUIRED_INCLUDES)
if(TVAE_ONEDNN_MATMUL_LINKS)
  set_source_files_properties(tvae/ops/linear.cpp PROPERTIES COMPILE_DEFINITIONS TVAE_HAS_ONEDNN_MATMUL)
endif()
