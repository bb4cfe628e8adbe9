// What this machine can do at most, measured: the copy bandwidth of its memory and the arithmetic
// of its cores. Benchmarks print their share of it.
#pragma once

#include "tensor/device.h"

namespace lathe::bench {

struct Ceiling {
  double memcpy_bytes = 0;     ///< bytes read and written a second by memcpy on all threads, on a
                               ///< GPU by a copy within its memory
  double streaming_bytes = 0;  ///< the same with stores past the caches
  double f32_flops = 0;        ///< of independent f32 multiply-adds on all threads

  /// The copy bandwidth: the better of the two.
  double copy_bytes() const {
    return memcpy_bytes > streaming_bytes ? memcpy_bytes : streaming_bytes;
  }
};

/// Takes about a second; the best of several repetitions each.
Ceiling measure_ceiling(Device device);

}  // namespace lathe::bench
