// Who works on a row. Kernels that reduce the rows of a matrix are written once, for a team, and a
// rung of their ladders is often no more than the choice of it:
//   OneThread  the row's elements in order. Neighbouring threads read addresses a row apart, so
//              each of a warp's accesses fetches 32 sectors and uses one element of each
//   OneBlock   256 threads, neighbours on neighbouring elements: coalesced. Results meet in shared
//              memory behind two barriers, and a short row leaves most threads idle
//   OneWarp    32 lanes, results exchanged by shuffles: coalesced, no barrier, four rows a block
// The columns of a thread: pieces of `width` elements number rank, rank + size, ...
#pragma once

#include "kernels/device.cuh"

namespace lathe::kernels {

struct OneThread {
  static constexpr int block_size = 128, rows_per_block = 128;
  __device__ int64_t row() const { return int64_t(blockIdx.x) * block_size + threadIdx.x; }
  __device__ int rank() const { return 0; }
  __device__ int size() const { return 1; }
  template <class T, class Op>
  __device__ T reduce(T value, Op, T) const {
    return value;
  }
};

struct OneWarp {
  static constexpr int block_size = 128, rows_per_block = 4;
  __device__ int64_t row() const {
    return int64_t(blockIdx.x) * rows_per_block + int(threadIdx.x) / 32;
  }
  __device__ int rank() const { return int(threadIdx.x) % 32; }
  __device__ int size() const { return 32; }
  template <class T, class Op>
  __device__ T reduce(T value, Op op, T) const {
    return warp_reduce(value, op);
  }
};

struct OneBlock {
  static constexpr int block_size = 256, rows_per_block = 1;
  __device__ int64_t row() const { return blockIdx.x; }
  __device__ int rank() const { return int(threadIdx.x); }
  __device__ int size() const { return block_size; }
  template <class T, class Op>
  __device__ T reduce(T value, Op op, T identity) const {
    return block_reduce(value, op, identity);
  }
};

/// Calls f(c, elements c to c + width - 1 of the row) for this thread's pieces of [begin, end),
/// both multiples of width.
template <int width, class Team, class T, class F>
__device__ __forceinline__ void for_pieces(const Team& team, const T* row, int64_t begin,
                                           int64_t end, const F& f) {
  for (int64_t c = begin + int64_t(team.rank()) * width; c < end; c += int64_t(team.size()) * width)
    f(c, load_vector<width>(row + c));
}

/// Launches kernel(args...) with a team for each of the rows; there is at least one.
template <class Team, class... Parameters, class... Arguments>
void launch_rows(void (*kernel)(Parameters...), int64_t rows, const Arguments&... arguments) {
  launch(kernel, ceil_div(rows, Team::rows_per_block), Team::block_size, 0, arguments...);
}

/// Elements in 16 bytes where rows of all these arrays begin at multiples of 16 bytes, else 1.
template <class T, class... Pointers>
int row_width(int64_t columns, const Pointers*... arrays) {
  constexpr int width = int(16 / sizeof(T));
  const bool aligned = ((reinterpret_cast<uintptr_t>(arrays) % 16 == 0) && ...);
  return aligned && columns % width == 0 ? width : 1;
}

}  // namespace lathe::kernels
