// What the emulator tells AddressSanitizer: which memory may be touched, and when a fiber's stack
// is left for another. In builds without it every function here does nothing.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define LATHE_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LATHE_ADDRESS_SANITIZER 1
#endif
#endif

#if defined(LATHE_ADDRESS_SANITIZER)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace lathe::emulator::sanitizer {

#if defined(LATHE_ADDRESS_SANITIZER)
constexpr bool active = true;
inline void poison(const void* p, size_t bytes) { __asan_poison_memory_region(p, bytes); }
inline void unpoison(const void* p, size_t bytes) { __asan_unpoison_memory_region(p, bytes); }
inline void leave_stack(void** state, const void* next_stack, size_t next_size) {
  __sanitizer_start_switch_fiber(state, next_stack, next_size);
}
inline void enter_stack(void* state, const void** previous_stack, size_t* previous_size) {
  __sanitizer_finish_switch_fiber(state, previous_stack, previous_size);
}
#else
constexpr bool active = false;
inline void poison(const void*, size_t) {}
inline void unpoison(const void*, size_t) {}
inline void leave_stack(void**, const void*, size_t) {}
inline void enter_stack(void*, const void**, size_t*) {}
#endif

}  // namespace lathe::emulator::sanitizer
