// The random numbers of one step on one sample. They are Philox's, keyed by seed, epoch, sample and
// the step's place in the list: the same for any number of workers and after a resume.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "tensor/random.h"

namespace lathe {

/// From low to high.
struct Range {
  double low = 0, high = 0;
};

/// Numbers of one stream, one after the other.
class Draws {
 public:
  explicit Draws(const RandomStream& stream) : stream_(stream) {}
  /// In [low, high).
  double uniform(double low = 0, double high = 1) {
    return low + (high - low) * (double(word() >> 11) * 0x1p-53);
  }
  double uniform(const Range& range) { return uniform(range.low, range.high); }
  /// In 0 to bound - 1.
  int64_t below(int64_t bound) {
    return int64_t((static_cast<unsigned __int128>(word()) * uint64_t(bound)) >> 64);
  }
  /// In low to high, both included.
  int64_t whole(int64_t low, int64_t high) { return low + below(high - low + 1); }
  bool chance(double p) { return uniform() < p; }
  /// Standard normal.
  double normal();
  /// Fills with standard normal numbers of 16 random bits each, for whole images of noise.
  void normals(std::span<float> to);
  /// 0 to 3 in a random order.
  std::array<int, 4> order();

 private:
  uint64_t word() {
    const Philox4 block = stream_.block(next_++);
    return uint64_t(block.x) << 32 | block.y;
  }
  RandomStream stream_;
  uint64_t next_ = 0;
};

}  // namespace lathe
