// Memory of the emulated CUDA runtime: device and pinned allocations, copies and fills.
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <memory>

#include "kernels/emulator/runtime.h"
#include "kernels/emulator/sanitizer.h"
#include "kernels/emulator/shared_memory.h"

namespace lathe::emulator {
namespace {

constexpr size_t device_alignment = 256;

bool is_pinned(const void* address) {
  return find(runtime().pinned, address) != runtime().pinned.end();
}

bool direction_fits(cudaMemcpyKind kind, bool to_device, bool from_device) {
  switch (kind) {
    case cudaMemcpyHostToHost:
      return !to_device && !from_device;
    case cudaMemcpyHostToDevice:
      return to_device && !from_device;
    case cudaMemcpyDeviceToHost:
      return !to_device && from_device;
    case cudaMemcpyDeviceToDevice:
      return to_device && from_device;
    case cudaMemcpyDefault:
      return true;
  }
  return false;
}

}  // namespace

Runtime& runtime() {
  // Never destroyed: static objects elsewhere may free device memory as the program ends.
  static Runtime& instance = *new Runtime;
  return instance;
}

Allocations::const_iterator find(const Allocations& allocations, const void* address) {
  const char* p = static_cast<const char*>(address);
  auto after = allocations.upper_bound(p);
  if (after == allocations.begin()) return allocations.end();
  --after;
  return p < after->first + after->second ? after : allocations.end();
}

bool is_device_range(const void* address, size_t bytes, const char* call) {
  Runtime& rt = runtime();
  const auto found = find(rt.device, address);
  if (found == rt.device.end()) return false;
  const size_t available = size_t(found->first + found->second - static_cast<const char*>(address));
  if (bytes > available) {
    rt.sticky = cudaErrorIllegalAddress;
    report(rt.sticky, std::string(call) + ": " + std::to_string(bytes) + " bytes, but only " +
                          std::to_string(available) + " of the device allocation are left");
  }
  return true;
}

DeviceMemoryOpen::DeviceMemoryOpen() {
  if (!sanitizer::active || depth++ > 0) return;
  for (const auto& [memory, bytes] : runtime().device) sanitizer::unpoison(memory, bytes);
}
DeviceMemoryOpen::~DeviceMemoryOpen() {
  if (!sanitizer::active || --depth > 0) return;
  for (const auto& [memory, bytes] : runtime().device) sanitizer::poison(memory, bytes);
}

}  // namespace lathe::emulator

using namespace lathe::emulator;

namespace {

void release_device(void* pointer) {
  const auto found = runtime().device.find(static_cast<const char*>(pointer));
  sanitizer::unpoison(found->first, found->second);
  runtime().device.erase(found);
  std::free(pointer);
}

cudaError_t check_device_pointer(void* pointer, const char* call) {
  if (runtime().device.contains(static_cast<const char*>(pointer))) return cudaSuccess;
  return report(cudaErrorInvalidValue, std::string(call) + ": not a pointer from cudaMalloc");
}

// The call fails as on a GPU, but the memory goes: a test's reset() lets the process live on.
cudaError_t free_after_fault(void* pointer) {
  if (runtime().device.contains(static_cast<const char*>(pointer))) release_device(pointer);
  return report(runtime().sticky);
}

cudaError_t allocate_device(void** pointer, size_t bytes) {
  void* memory = nullptr;
  if (posix_memalign(&memory, device_alignment, bytes ? bytes : 1) != 0) {
    return report(cudaErrorMemoryAllocation);
  }
  fill_with_nan(memory, bytes);
  runtime().device[static_cast<const char*>(memory)] = bytes;
  if (!DeviceMemoryOpen::active()) sanitizer::poison(memory, bytes);
  *pointer = memory;
  return cudaSuccess;
}

}  // namespace

extern "C" {

cudaError_t cudaMalloc(void** pointer, size_t bytes) {
  std::lock_guard lock(runtime().mutex);
  if (const auto error = refuse_during_capture("cudaMalloc")) return error;
  return allocate_device(pointer, bytes);
}

cudaError_t cudaMallocAsync(void** pointer, size_t bytes, cudaStream_t) {
  return cudaMalloc(pointer, bytes);
}

cudaError_t cudaFree(void* pointer) {
  std::lock_guard lock(runtime().mutex);
  if (!pointer) return report(runtime().sticky);
  if (runtime().sticky != cudaSuccess) return free_after_fault(pointer);
  if (const auto error = refuse_during_capture("cudaFree")) return error;
  drain_all();
  if (const auto error = check_device_pointer(pointer, "cudaFree")) return error;
  release_device(pointer);
  return report(runtime().sticky);
}

cudaError_t cudaFreeAsync(void* pointer, cudaStream_t stream) {
  std::lock_guard lock(runtime().mutex);
  if (runtime().sticky != cudaSuccess) return free_after_fault(pointer);
  if (const auto error = refuse_during_capture("cudaFreeAsync")) return error;
  if (const auto error = check_device_pointer(pointer, "cudaFreeAsync")) return error;
  return enqueue(stream, [pointer] { release_device(pointer); });
}

cudaError_t cudaMallocHost(void** pointer, size_t bytes) {
  std::lock_guard lock(runtime().mutex);
  if (runtime().sticky != cudaSuccess) return report(runtime().sticky);
  if (posix_memalign(pointer, 4096, bytes ? bytes : 1) != 0) {
    return report(cudaErrorMemoryAllocation);
  }
  runtime().pinned[static_cast<const char*>(*pointer)] = bytes;
  return cudaSuccess;
}
cudaError_t cudaHostAlloc(void** pointer, size_t bytes, unsigned) {
  return cudaMallocHost(pointer, bytes);
}

cudaError_t cudaFreeHost(void* pointer) {
  std::lock_guard lock(runtime().mutex);
  if (!pointer) return report(runtime().sticky);
  drain_all();
  if (!runtime().pinned.erase(static_cast<const char*>(pointer))) {
    return report(cudaErrorInvalidValue, "cudaFreeHost: not a pointer from cudaMallocHost");
  }
  std::free(pointer);
  return report(runtime().sticky);
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  Runtime& rt = runtime();
  std::lock_guard lock(rt.mutex);
  if (bytes == 0) return report(rt.sticky);
  const bool to_device = is_device_range(to, bytes, "cudaMemcpyAsync (to)");
  const bool from_device = is_device_range(from, bytes, "cudaMemcpyAsync (from)");
  if (rt.sticky != cudaSuccess) return report(rt.sticky);
  if (!direction_fits(kind, to_device, from_device)) {
    return report(cudaErrorInvalidMemcpyDirection,
                  "cudaMemcpyAsync: the pointers are not of the kinds that the direction says");
  }
  const bool capturing = stream_of(stream)->capture != nullptr;
  if (!from_device && !is_pinned(from) &&
      !capturing) {  // pageable memory is read now, into a buffer
    const auto* begin = static_cast<const char*>(from);
    auto staged = std::make_shared<std::vector<char>>(begin, begin + bytes);
    const auto copy = [=] { std::memcpy(to, staged->data(), bytes); };
    const cudaError_t error = enqueue(stream, copy);
    if (to_device || error) return error;
  } else if (const auto error = enqueue(stream, [=] { std::memmove(to, from, bytes); })) {
    return error;
  }
  const bool synchronous = !to_device && !is_pinned(to) && !capturing;  // a pageable destination
  if (synchronous) drain(stream_of(stream), stream_of(stream)->enqueued);
  return report(rt.sticky);
}

cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  Runtime& rt = runtime();
  std::lock_guard lock(rt.mutex);
  if (const auto error = refuse_during_capture("cudaMemcpy")) return error;
  const cudaError_t error = cudaMemcpyAsync(to, from, bytes, kind, nullptr);
  drain(rt.default_stream.get(), rt.default_stream->enqueued);
  return error ? error : report(rt.sticky);
}

cudaError_t cudaMemsetAsync(void* to, int value, size_t bytes, cudaStream_t stream) {
  Runtime& rt = runtime();
  std::lock_guard lock(rt.mutex);
  if (bytes == 0) return report(rt.sticky);
  const bool device = is_device_range(to, bytes, "cudaMemsetAsync");
  if (rt.sticky != cudaSuccess) return report(rt.sticky);
  if (!device) return report(cudaErrorInvalidValue, "cudaMemsetAsync: not device memory");
  return enqueue(stream, [=] { std::memset(to, value, bytes); });
}

cudaError_t cudaMemset(void* to, int value, size_t bytes) {
  std::lock_guard lock(runtime().mutex);
  if (const auto error = refuse_during_capture("cudaMemset")) return error;
  return cudaMemsetAsync(to, value, bytes, nullptr);
}

cudaError_t cudaMemGetInfo(size_t* free_bytes, size_t* total_bytes) {
  std::lock_guard lock(runtime().mutex);
  if (runtime().sticky != cudaSuccess) return report(runtime().sticky);
  size_t used = 0;
  for (const auto& [memory, bytes] : runtime().device) used += bytes;
  *total_bytes = size_t(8) << 30;
  *free_bytes = *total_bytes - std::min(used, *total_bytes);
  return cudaSuccess;
}

}  // extern "C"
