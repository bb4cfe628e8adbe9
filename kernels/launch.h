// Launching a kernel from host code: launch(kernel, grid, block, shared_bytes, args...) puts it on
// this thread's ambient stream (tensor/stream.h) and throws lathe::Error(device) where CUDA or the
// emulator refuses. Included through kernels/device.cuh.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <type_traits>
#include <unordered_map>
#include <utility>

#include <cuda_runtime.h>

#if !defined(__CUDACC__)
#include <memory>
#include <tuple>

#include "kernels/emulator/device_api.h"
#endif

#include "kernels/ceil_div.h"
#include "tensor/check.h"
#include "tensor/stream.h"

namespace lathe::kernels {

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

/// Asks for a kernel's dynamic shared memory: without that, static and dynamic together end at 48
/// KB. Keeps the most that was asked for, since another thread may be about to launch with it.
inline void allow_dynamic_shared(const void* kernel, size_t bytes) {
  static std::mutex mutex;
  static std::unordered_map<const void*, size_t> allowed;
  const std::lock_guard lock(mutex);
  size_t& most = allowed[kernel];
  if (bytes <= most) return;
  check_launch(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                    static_cast<int>(bytes)));
  most = bytes;
}

#if defined(__CUDACC__)

// The status is this launch's own: cudaGetLastError after <<<>>> would take an earlier call's error
// for it, and clear that.
template <class... Parameters>
cudaError_t submit(void (*kernel)(Parameters...), dim3 grid, dim3 block, size_t shared_bytes,
                   std::type_identity_t<Parameters>... values) {
  void* pointers[] = {&values..., nullptr};
  return cudaLaunchKernel(reinterpret_cast<const void*>(kernel), grid, block, pointers,
                          shared_bytes, ambient_stream());
}

#else

// A kernel with copies of its arguments; every thread gets its own copies, as on a GPU.
template <class... Parameters>
struct BoundKernel final : emulator::Kernel {
  using Function = void (*)(Parameters...);
  Function entry;
  std::tuple<std::decay_t<Parameters>...> arguments;

  explicit BoundKernel(Function kernel, const std::decay_t<Parameters>&... values)
      : Kernel(reinterpret_cast<const void*>(kernel)), entry(kernel), arguments(values...) {}
  __attribute__((no_sanitize("thread"))) void run() const override { std::apply(entry, arguments); }
};

template <class... Parameters>
cudaError_t submit(void (*kernel)(Parameters...), dim3 grid, dim3 block, size_t shared_bytes,
                   std::type_identity_t<Parameters>... values) {
  return emulator::submit(std::make_shared<const BoundKernel<Parameters...>>(kernel, values...),
                          grid, block, shared_bytes, ambient_stream());
}

#endif

template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), Grid grid, dim3 block, size_t shared_bytes,
            Arguments&&... arguments) {
  static_assert((std::is_trivially_destructible_v<std::decay_t<Parameters>> && ...),
                "kernel parameters are plain data");
  if (shared_bytes > 0) {
    allow_dynamic_shared(reinterpret_cast<const void*>(kernel), shared_bytes);
  }
  check_launch(submit(kernel, grid.blocks, block, shared_bytes,
                      static_cast<Parameters>(std::forward<Arguments>(arguments))...));
}

}  // namespace lathe::kernels
