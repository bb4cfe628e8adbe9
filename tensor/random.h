// Random numbers without state: Philox 4x32-10, a counter-based generator, gives the same bits on
// every device, for any number of threads or workers, and after a resume. Source: Salmon, Moraes,
// Dror, Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011.
#pragma once

#include <cstdint>
#include <span>

#include "tensor/tensor.h"

namespace lathe {

struct Philox4 {
  uint32_t x, y, z, w;
};

/// Ten rounds of Philox 4x32: four random words for each counter under a key.
HOST_DEVICE inline Philox4 philox4x32(Philox4 counter, uint64_t key) {
  uint32_t k0 = uint32_t(key), k1 = uint32_t(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = uint64_t(0xD2511F53u) * counter.x, b = uint64_t(0xCD9E8D57u) * counter.z;
    counter = {uint32_t(b >> 32) ^ counter.y ^ k0, uint32_t(b), uint32_t(a >> 32) ^ counter.w ^ k1,
               uint32_t(a)};
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return counter;
}

/// What a stream of random numbers is for; streams of different purposes never coincide.
enum class Purpose : uint32_t { initialise, shuffle, dropout, augment, generate, test };

/// A stream of random numbers, found by what it is for. Element i of the stream is a pure function
/// of i.
class RandomStream {
 public:
  HOST_DEVICE RandomStream(uint64_t seed, Purpose purpose, uint32_t epoch = 0, uint32_t index = 0,
                           uint32_t op = 0) {
    const Philox4 k = philox4x32({uint32_t(purpose), epoch, index, op}, seed);
    key_ = uint64_t(k.x) | uint64_t(k.y) << 32;
  }
  /// A stream whose key was derived elsewhere.
  HOST_DEVICE explicit RandomStream(uint64_t key) : key_(key) {}
  HOST_DEVICE uint64_t key() const { return key_; }

  /// Words 4i to 4i+3.
  HOST_DEVICE Philox4 block(uint64_t i) const {
    return philox4x32({uint32_t(i), uint32_t(i >> 32), 0, 0}, key_);
  }
  HOST_DEVICE uint32_t bits(uint64_t i) const {
    const Philox4 b = block(i / 4);
    return i % 4 == 0 ? b.x : i % 4 == 1 ? b.y : i % 4 == 2 ? b.z : b.w;
  }
  /// Uniform in [0, 1) with 24 bits.
  HOST_DEVICE float uniform(uint64_t i) const { return float(bits(i) >> 8) * 0x1p-24f; }
  /// Uniform in [0, 1) with 53 bits.
  HOST_DEVICE double uniform53(uint64_t i) const {
    const Philox4 b = block(i / 2);
    const uint64_t word = i % 2 == 0 ? (uint64_t(b.x) << 32 | b.y) : (uint64_t(b.z) << 32 | b.w);
    return double(word >> 11) * 0x1p-53;
  }
  /// Standard normal, by the Box-Muller transform.
  double normal(uint64_t i) const;
  /// Uniform integer in [0, bound), without bias worth mentioning for bounds below 2^32.
  HOST_DEVICE uint64_t below(uint64_t i, uint64_t bound) const {
    const Philox4 b = block(i);
    const uint64_t word = uint64_t(b.x) << 32 | b.y;
#if defined(__CUDA_ARCH__)
    return __umul64hi(word, bound);
#else
    return uint64_t((static_cast<unsigned __int128>(word) * bound) >> 64);
#endif
  }

 private:
  uint64_t key_;
};

/// Fills x (f32 or f64, on the CPU or copied to its device) with uniform numbers of [low, high).
void uniform_(Tensor& x, double low, double high, const RandomStream& random);
/// Fills x with normal numbers.
void normal_(Tensor& x, double mean, double deviation, const RandomStream& random);
/// Brings the values into an order that the stream decides (Fisher-Yates).
void shuffle_in_place(std::span<int64_t> values, const RandomStream& random);
/// 0 to count - 1 in an order that the stream decides.
std::vector<int64_t> permutation(int64_t count, const RandomStream& random);

}  // namespace lathe
