// What this machine can do at most, measured: the copy bandwidth of its memory and the arithmetic
// of its cores. Benchmarks print their share of it.
#pragma once

#include "tensor/tensor.h"

namespace lathe::bench {

/// The copy bandwidth: bytes read and written a second when 64 MB are copied, by memcpy or with
/// stores past the caches on all threads, on a GPU within its memory. It changes from moment to
/// moment where others use the same memory, so what is compared with it alternates with it.
class CopyMeter {
 public:
  explicit CopyMeter(Device device);
  /// Copies once each way.
  void measure();
  /// Of the best copies since the last reset.
  double memcpy_bytes() const { return memcpy_; }
  double streaming_bytes() const { return streaming_; }
  double best_bytes() const { return memcpy_ > streaming_ ? memcpy_ : streaming_; }
  void reset() { memcpy_ = streaming_ = 0; }

 private:
  Tensor to_, from_;
  double memcpy_ = 0, streaming_ = 0;
};

/// Floating-point operations a second of independent f32 multiply-adds on all threads, or 0 where
/// this is not known.
double measure_f32_flops();

}  // namespace lathe::bench
