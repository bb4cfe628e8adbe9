// The order in which an epoch visits the samples: as they stand, or shuffled anew each epoch by
// random numbers that depend on the seed and the epoch alone, so that a resumed run goes on in the
// same order; or balanced, all classes equally often.
#pragma once

#include <cstdint>
#include <vector>

namespace lathe {

class Sampler {
 public:
  Sampler(int64_t size, bool shuffle, uint64_t seed)
      : size_(size), seed_(seed), shuffle_(shuffle) {}
  /// As many samples an epoch, as many of each class (but for a rest), in shuffled order: those of
  /// small classes come several times, of large ones each epoch has others. `classes` holds the
  /// samples of each class; an empty one is left out.
  Sampler(std::vector<std::vector<int64_t>> classes, uint64_t seed);
  /// Writes the indices of all samples in the epoch's order. Allocates when `order` has too little
  /// room.
  void order(uint32_t epoch, std::vector<int64_t>& order) const;
  int64_t size() const { return size_; }

 private:
  int64_t size_;
  uint64_t seed_;
  bool shuffle_;
  std::vector<std::vector<int64_t>> classes_;  // empty: not balanced
};

}  // namespace lathe
