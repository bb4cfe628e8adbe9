// Vectors whose memory comes from the caching allocator and is not zeroed. A decoded image is
// megabytes that live for a millisecond. Were they the system's, their pages would be cleared and
// mapped for each image: about a quarter of the time in a profile of decoding and resizing photos.
#pragma once

#include <new>
#include <utility>
#include <vector>

#include "tensor/allocator.h"

namespace lathe {

template <class T>
struct ReusedMemory {
  using value_type = T;
  ReusedMemory() = default;
  template <class U>
  ReusedMemory(const ReusedMemory<U>&) {}
  T* allocate(size_t count) {
    return static_cast<T*>(allocator(MemoryKind::cpu).allocate(count * sizeof(T)));
  }
  void deallocate(T* block, size_t) { allocator(MemoryKind::cpu).free(block); }
  template <class U>
  void construct(U* at) {
    ::new (static_cast<void*>(at)) U;  // not U(): the value is whatever was there
  }
  template <class U, class... Values>
  void construct(U* at, Values&&... values) {
    ::new (static_cast<void*>(at)) U(std::forward<Values>(values)...);
  }
  bool operator==(const ReusedMemory&) const { return true; }
};

template <class T>
using ReusedVector = std::vector<T, ReusedMemory<T>>;

}  // namespace lathe
