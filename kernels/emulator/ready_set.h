// Which threads of a block can run, as one bit each, and which of them goes next: the lowest, the
// highest or a random one. Running the same kernel in several orders is what makes a missing
// barrier show as a wrong result.
#pragma once

#include <bit>
#include <cstdint>

#include "kernels/emulator/options.h"

namespace lathe::emulator {

/// xorshift64: repeatable from its seed, and cheap enough to be asked at every switch.
class SmallRandom {
 public:
  explicit SmallRandom(uint64_t seed = 1) : state_(seed | 1) {
    next();
    next();
  }
  uint64_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    return state_ ^= state_ << 17;
  }
  bool coin() { return next() >> 40 & 1; }

 private:
  uint64_t state_;
};

class ReadySet {
 public:
  void clear() {
    warps_ = 0;
    for (uint32_t& lanes : lanes_) lanes = 0;
  }
  void add(unsigned warp, uint32_t lanes) {
    lanes_[warp] |= lanes;
    if (lanes) warps_ |= 1u << warp;
  }
  bool empty() const { return warps_ == 0; }

  /// Removes the thread that goes next and returns its number in the block.
  unsigned take(Order order, SmallRandom& random) {
    const unsigned warp = choose(warps_, order, random), lane = choose(lanes_[warp], order, random);
    lanes_[warp] &= ~(1u << lane);
    if (!lanes_[warp]) warps_ &= ~(1u << warp);
    return warp * 32 + lane;
  }

 private:
  static unsigned choose(uint32_t set, Order order, SmallRandom& random) {
    if (order == Order::forward) return unsigned(std::countr_zero(set));
    if (order == Order::reverse) return 31 - unsigned(std::countl_zero(set));
    const unsigned start = random.next() >> 32 & 31;
    return (unsigned(std::countr_zero(std::rotr(set, int(start)))) + start) & 31;
  }

  uint32_t warps_ = 0;  // those with a ready lane
  uint32_t lanes_[32] = {};
};

}  // namespace lathe::emulator
