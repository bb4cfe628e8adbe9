// The functions that g++ calls before every memory access of code compiled with -fsanitize=thread.
// The presets racecheck and profile compile kernels (and nothing else) that way and do not link the
// sanitizer's own library: the calls come here, where the CUDA memory model is known exactly.
#include <cstddef>
#include <cstdint>

#include "kernels/emulator/block.h"
#include "kernels/emulator/observer.h"
#include "kernels/emulator/runtime.h"

namespace lathe::emulator {
namespace {

struct Range {
  const char* begin = nullptr;
  size_t bytes = 0;
  bool contains(const void* address) const {
    return static_cast<size_t>(static_cast<const char*>(address) - begin) < bytes;
  }
};

// threadIdx and its kin are read all the time, and are nobody else's.
bool is_builtin_variable(const void* address) {
  for (const void* builtin : {(const void*)&threadIdx, (const void*)&blockIdx,
                              (const void*)&blockDim, (const void*)&gridDim}) {
    if (Range{static_cast<const char*>(builtin), sizeof threadIdx}.contains(address)) return true;
  }
  return false;
}

// Whether a kernel may share this address with other threads: device and pinned memory. Asked for
// every access, hence the allocations that were asked for last in this launch.
bool is_device_memory(const void* address) {
  static Range recent[4];
  static unsigned next = 0;
  static uint64_t launch = 0;
  if (launch != runner->launch_number()) {
    launch = runner->launch_number();
    for (Range& range : recent) range = {};
  }
  for (const Range& range : recent) {
    if (range.contains(address)) return true;
  }
  if (is_builtin_variable(address)) return false;
  for (const Allocations* allocations : {&runtime().device, &runtime().pinned}) {
    const auto found = find(*allocations, address);
    if (found == allocations->end()) continue;
    recent[next++ % 4] = {found->first, found->second};
    return true;
  }
  return false;
}

void accessed(const void* address, size_t bytes, bool write, const void* origin) {
  if (!observer || !runner || !runner->current()) return;  // host code in a kernel's file
  if (runner->fiber().stack_contains(address)) return;
  const bool shared = runner->shared().contains(address);
  if (!shared && !is_device_memory(address)) return;
  observer->access({address, bytes, write, false, shared ? Space::shared : Space::global, origin});
}

}  // namespace
}  // namespace lathe::emulator

#define ACCESS_HOOK(name, bytes, write)                                            \
  extern "C" void name(void* address) {                                            \
    lathe::emulator::accessed(address, bytes, write, __builtin_return_address(0)); \
  }
ACCESS_HOOK(__tsan_read1, 1, false)
ACCESS_HOOK(__tsan_read2, 2, false)
ACCESS_HOOK(__tsan_read4, 4, false)
ACCESS_HOOK(__tsan_read8, 8, false)
ACCESS_HOOK(__tsan_read16, 16, false)
ACCESS_HOOK(__tsan_write1, 1, true)
ACCESS_HOOK(__tsan_write2, 2, true)
ACCESS_HOOK(__tsan_write4, 4, true)
ACCESS_HOOK(__tsan_write8, 8, true)
ACCESS_HOOK(__tsan_write16, 16, true)
ACCESS_HOOK(__tsan_volatile_read1, 1, false)
ACCESS_HOOK(__tsan_volatile_read2, 2, false)
ACCESS_HOOK(__tsan_volatile_read4, 4, false)
ACCESS_HOOK(__tsan_volatile_read8, 8, false)
ACCESS_HOOK(__tsan_volatile_write1, 1, true)
ACCESS_HOOK(__tsan_volatile_write2, 2, true)
ACCESS_HOOK(__tsan_volatile_write4, 4, true)
ACCESS_HOOK(__tsan_volatile_write8, 8, true)
ACCESS_HOOK(__tsan_unaligned_read2, 2, false)
ACCESS_HOOK(__tsan_unaligned_read4, 4, false)
ACCESS_HOOK(__tsan_unaligned_read8, 8, false)
ACCESS_HOOK(__tsan_unaligned_read16, 16, false)
ACCESS_HOOK(__tsan_unaligned_write2, 2, true)
ACCESS_HOOK(__tsan_unaligned_write4, 4, true)
ACCESS_HOOK(__tsan_unaligned_write8, 8, true)
ACCESS_HOOK(__tsan_unaligned_write16, 16, true)
#undef ACCESS_HOOK

extern "C" {
void __tsan_read_range(void* address, size_t bytes) {
  lathe::emulator::accessed(address, bytes, false, __builtin_return_address(0));
}
void __tsan_write_range(void* address, size_t bytes) {
  lathe::emulator::accessed(address, bytes, true, __builtin_return_address(0));
}
void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}
void __tsan_atomic_thread_fence(int) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
void __tsan_atomic_signal_fence(int) {}
}

// Host code in the same files (std::shared_ptr) uses atomics, which g++ replaces by these.
#define ATOMIC_HOOKS(T, bits)                                                                      \
  extern "C" {                                                                                     \
  T __tsan_atomic##bits##_load(const volatile T* p, int) {                                         \
    return __atomic_load_n(p, __ATOMIC_SEQ_CST);                                                   \
  }                                                                                                \
  void __tsan_atomic##bits##_store(volatile T* p, T value, int) {                                  \
    __atomic_store_n(p, value, __ATOMIC_SEQ_CST);                                                  \
  }                                                                                                \
  T __tsan_atomic##bits##_exchange(volatile T* p, T value, int) {                                  \
    return __atomic_exchange_n(p, value, __ATOMIC_SEQ_CST);                                        \
  }                                                                                                \
  T __tsan_atomic##bits##_fetch_add(volatile T* p, T value, int) {                                 \
    return __atomic_fetch_add(p, value, __ATOMIC_SEQ_CST);                                         \
  }                                                                                                \
  T __tsan_atomic##bits##_fetch_sub(volatile T* p, T value, int) {                                 \
    return __atomic_fetch_sub(p, value, __ATOMIC_SEQ_CST);                                         \
  }                                                                                                \
  T __tsan_atomic##bits##_fetch_or(volatile T* p, T value, int) {                                  \
    return __atomic_fetch_or(p, value, __ATOMIC_SEQ_CST);                                          \
  }                                                                                                \
  T __tsan_atomic##bits##_fetch_and(volatile T* p, T value, int) {                                 \
    return __atomic_fetch_and(p, value, __ATOMIC_SEQ_CST);                                         \
  }                                                                                                \
  int __tsan_atomic##bits##_compare_exchange_strong(volatile T* p, T* seen, T value, int, int) {   \
    return __atomic_compare_exchange_n(p, seen, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); \
  }                                                                                                \
  int __tsan_atomic##bits##_compare_exchange_weak(volatile T* p, T* seen, T value, int, int) {     \
    return __atomic_compare_exchange_n(p, seen, value, true, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);  \
  }                                                                                                \
  }
ATOMIC_HOOKS(unsigned char, 8)
ATOMIC_HOOKS(unsigned short, 16)
ATOMIC_HOOKS(unsigned, 32)
ATOMIC_HOOKS(unsigned long, 64)
#undef ATOMIC_HOOKS
