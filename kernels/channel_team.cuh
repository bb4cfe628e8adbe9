// Sums over the pixels of an image for each of its channels: a block takes a tile of channels, of
// which each lane has `width`, and its threads share the pixels. 2, 4, ... or 32 lanes lie side by
// side, so that images of few channels leave no threads idle. The threads' sums meet in shared
// memory, in a fixed order.
#pragma once

#include "kernels/device.cuh"

namespace lathe::kernels {

constexpr int team_threads = 256;

struct ChannelTeam {
  int lanes;
  __device__ int lane() const { return int(threadIdx.x) % lanes; }
  __device__ int rank() const { return int(threadIdx.x) / lanes; }
  __device__ int size() const { return team_threads / lanes; }

  /// The sums of all threads with this one's lane, in threads of rank 0; every thread calls this.
  template <int width, class Acc>
  __device__ void add(Acc (&sums)[width]) const {
    SHARED(Acc, partial, [width][team_threads]);
    UNROLL
    for (int k = 0; k < width; ++k) partial[k][threadIdx.x] = sums[k];
    __syncthreads();
    if (rank() != 0) return;
    for (int i = 1; i < size(); ++i) {
      UNROLL
      for (int k = 0; k < width; ++k) sums[k] += partial[k][int(threadIdx.x) + i * lanes];
    }
  }
};

/// Lanes that suffice for `channels` of which each has `width`.
inline int team_lanes(int64_t channels, int width) {
  int lanes = 2;
  while (lanes < 32 && lanes * width < channels) lanes *= 2;
  return lanes;
}

}  // namespace lathe::kernels
