// Launching a kernel from host code: launch(kernel, grid, block, shared_bytes, args...) puts it on
// this thread's ambient stream (tensor/stream.h) and throws lathe::Error(device) where CUDA or the
// emulator refuses. Included through kernels/device.cuh.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#if defined(__CUDACC__)
#include <cuda_runtime.h>
#else
#include <cuda_runtime.h>

#include <memory>
#include <tuple>

#include "kernels/emulator/device_api.h"
#endif

#include "tensor/check.h"
#include "tensor/dtype.h"
#include "tensor/stream.h"

namespace lathe::kernels {

template <class Integer, class Divisor>
HOST_DEVICE constexpr Integer ceil_div(Integer a, Divisor b) {
  return (a + Integer(b) - 1) / Integer(b);
}

/// Blocks of a launch: a dim3, or a 64-bit count that is checked.
struct Grid {
  dim3 blocks;
  Grid(dim3 extents) : blocks(extents) {}
  template <class Integer>
  requires std::is_integral_v<Integer> Grid(Integer count) : blocks(unsigned(count)) {
    LATHE_CHECK(count > 0 && uint64_t(count) <= 0x7fffffffu,
                "launch: a grid has 1 to 2147483647 blocks, not ", count,
                " (return before launching when there is nothing to do)");
  }
};

inline cudaStream_t ambient_stream() { return static_cast<cudaStream_t>(current_stream()); }

inline void check_launch(cudaError_t status) {
  if (status != cudaSuccess) {
    fail(ErrorKind::device, "kernel launch failed: ", cudaGetErrorString(status));
  }
}

#if defined(__CUDACC__)

template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), Grid grid, dim3 block, size_t shared_bytes,
            Arguments&&... arguments) {
  if (shared_bytes > 48 * 1024) {  // more than that must be asked for
    check_launch(cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel),
                                      cudaFuncAttributeMaxDynamicSharedMemorySize,
                                      static_cast<int>(shared_bytes)));
  }
  kernel<<<grid.blocks, block, shared_bytes, ambient_stream()>>>(
      static_cast<Parameters>(std::forward<Arguments>(arguments))...);
  check_launch(cudaGetLastError());
}

#else

// A kernel with copies of its arguments; every thread gets its own copies, as on a GPU.
template <class... Parameters>
struct BoundKernel final : emulator::Kernel {
  using Function = void (*)(Parameters...);
  Function entry;
  std::tuple<std::decay_t<Parameters>...> arguments;

  template <class... Arguments>
  explicit BoundKernel(Function kernel, Arguments&&... values)
      : Kernel(reinterpret_cast<const void*>(kernel)),
        entry(kernel),
        arguments(static_cast<Parameters>(std::forward<Arguments>(values))...) {}
  __attribute__((no_sanitize("thread"))) void run() const override { std::apply(entry, arguments); }
};

template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), Grid grid, dim3 block, size_t shared_bytes,
            Arguments&&... arguments) {
  static_assert((std::is_trivially_destructible_v<std::decay_t<Parameters>> && ...),
                "kernel parameters are plain data");
  check_launch(emulator::submit(std::make_shared<const BoundKernel<Parameters...>>(
                                    kernel, std::forward<Arguments>(arguments)...),
                                grid.blocks, block, shared_bytes, ambient_stream()));
}

#endif

}  // namespace lathe::kernels
