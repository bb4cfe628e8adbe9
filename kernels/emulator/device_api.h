// Between kernel code and the emulator: what the device functions of intrinsics.h and the wrappers
// of ptx.cuh are built on. Kernels themselves use CUDA's own names and do not call these.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

#include "kernels/emulator/observer.h"
#include "kernels/emulator/place.h"

namespace lathe::emulator {

/// A kernel with its arguments.
struct Kernel {
  explicit Kernel(const void* kernel_function) : function(kernel_function) {}
  virtual ~Kernel() = default;
  virtual void run() const = 0;  // one thread
  const void* function;
};

/// Puts a launch on a stream; the error is that of cudaLaunchKernel.
cudaError_t submit(std::shared_ptr<const Kernel> kernel, dim3 grid, dim3 block,
                   size_t dynamic_bytes, cudaStream_t stream);

/// Ends the launch with an error: "softmax.cu:48: MESSAGE [block (0,0,0)]".
[[noreturn]] void fail(Place place, const char* format, ...) __attribute__((format(printf, 2, 3)));

struct BarrierVote {
  int count, all, any;  // of the predicates of the block's threads
};
BarrierVote block_barrier(int predicate, Place place);

/// What lanes of a warp do together. Each brings a payload; when all lanes of the mask have
/// arrived, `compute` sees all payloads at once and writes every lane's result into its own.
struct Collective {
  using Function = void (*)(void* const payloads[32], uint32_t lanes, Place place);
  const char* name;
  Function compute;
  Instruction instruction;
  bool orders_memory = false;
};
void warp_collective(uint32_t mask, void* payload, const Collective& kind, Place place);

uint32_t live_lanes();  // of this warp, not exited
unsigned lane_number();
bool is_shared(const void* address);

void* shared_object(const void* key, const char* name, size_t bytes, size_t alignment, Place place);
void* dynamic_shared_memory(Place place);
void fence();

/// cp.async: `valid` bytes are copied, the rest of `bytes` becomes zero, some time before the wait.
void async_copy(void* to, const void* from, size_t bytes, size_t valid, Place place);
void async_commit();
void async_wait(size_t pending_groups, Place place);

/// Tells the observer about an access that the compiler's hooks do not see, as a single one.
void touch_memory(const void* address, size_t bytes, bool write, bool atomic, Place place);
inline void touch(const void* address, size_t bytes, bool write, bool atomic, Place place) {
  if (observer) touch_memory(address, bytes, write, atomic, place);
}

/// A vector access of the device, 1 to 16 bytes at once: aligned to its size, and one request to
/// the observer however the compiler copies the bytes.
template <size_t bytes>
__attribute__((no_sanitize("thread"))) inline void load_bytes(void* to, const void* from,
                                                              Place place) {
  if (reinterpret_cast<uintptr_t>(from) % bytes != 0) {
    fail(place, "load_vector: the address is not a multiple of %zu bytes", bytes);
  }
  touch(from, bytes, false, false, place);
  std::memcpy(to, from, bytes);
}
template <size_t bytes>
__attribute__((no_sanitize("thread"))) inline void store_bytes(void* to, const void* from,
                                                               Place place) {
  if (reinterpret_cast<uintptr_t>(to) % bytes != 0) {
    fail(place, "store_vector: the address is not a multiple of %zu bytes", bytes);
  }
  touch(to, bytes, true, false, place);
  std::memcpy(to, from, bytes);
}

}  // namespace lathe::emulator
