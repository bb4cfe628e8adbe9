// Scratch memory of a thread, kept from call to call: a kernel row that packs its operands asks for
// it without allocating after its first call.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lathe::kernels {

/// What the memory is for; a thread has one block for each.
enum class ScratchUse { shared_panels, own_panels };

/// At least `bytes` bytes on a 64-byte boundary, the calling thread's until its next call for the
/// same use. What they hold does not matter.
void* scratch_memory(ScratchUse use, size_t bytes);

/// Arrays one after another in scratch memory.
class Panels {
 public:
  Panels(ScratchUse use, size_t bytes)
      : at_(static_cast<std::byte*>(scratch_memory(use, bytes + 1024))) {}
  template <class T>
  T* take(int64_t count) {
    T* const taken = reinterpret_cast<T*>(at_);
    at_ += (size_t(count) * sizeof(T) + 63) / 64 * 64;
    return taken;
  }

 private:
  std::byte* at_;
};

}  // namespace lathe::kernels
