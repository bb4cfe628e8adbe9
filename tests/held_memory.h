// What tests of memory measure.
#pragma once

#include "tensor/allocator.h"

namespace lathe::tests {

/// Bytes of CPU memory that the process has from the system, in use or kept for later.
inline int64_t bytes_held() {
  const AllocatorStats stats = allocator(MemoryKind::cpu).stats();
  return stats.bytes_in_use + stats.bytes_cached;
}

}  // namespace lathe::tests
