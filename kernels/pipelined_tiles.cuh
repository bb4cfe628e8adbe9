// The tiles of the pipelined rungs (matmul_pipelined.cu, conv2d_pipelined.cu): products of f32 and
// f64 in which a block of 256 threads makes a square of results, and a thread 2 by 2 pieces of one
// 16-byte vector squared, half a square apart, so that lanes read shared memory in whole vectors
// from neighbouring banks. Tiles lie as tile[term][x].
#pragma once

#include "kernels/device.cuh"

namespace lathe::kernels::pipelined_tiles {

constexpr int threads = 256, depth = 8;

template <class T>
struct Sizes {
  static constexpr int width = 16 / sizeof(T);  // elements of a vector
  static constexpr int tile = 2 * 16 * width;   // rows and columns of a block's tile
  static constexpr int pitch = tile + width;    // of its rows in shared memory
  static constexpr int per_thread = 2 * width;  // rows and columns of a thread
};

template <class T>
using Tile = T[depth][Sizes<T>::pitch];

/// Stores a vector that begins at (x, term): along x, or an element in each of its rows.
template <bool along_x, class T>
__device__ void store_piece(Tile<T>& to, const Vector<T, Sizes<T>::width>& v, int x, int term) {
  constexpr int width = Sizes<T>::width;
  if constexpr (along_x) {
    store_vector<width>(&to[term][x], v);
  } else {
    UNROLL
    for (int q = 0; q < width; ++q) to[term + q][x] = v[q];
  }
}

/// sums += column times row, for each term of the tiles.
template <class T>
__device__ __forceinline__ void multiply(T (&sums)[Sizes<T>::per_thread][Sizes<T>::per_thread],
                                         const Tile<T>& a, const Tile<T>& b) {
  constexpr int width = Sizes<T>::width, half = Sizes<T>::tile / 2, n = Sizes<T>::per_thread;
  const int x = int(threadIdx.x) % 16 * width, y = int(threadIdx.x) / 16 * width;
  UNROLL
  for (int p = 0; p < depth; ++p) {
    const Vector<T, width> left[2] = {load_vector<width>(&a[p][y]),
                                      load_vector<width>(&a[p][half + y])};
    const Vector<T, width> right[2] = {load_vector<width>(&b[p][x]),
                                       load_vector<width>(&b[p][half + x])};
    UNROLL
    for (int r = 0; r < n; ++r) UNROLL
    for (int c = 0; c < n; ++c)
      sums[r][c] += left[r / width][r % width] * right[c / width][c % width];
  }
}

}  // namespace lathe::kernels::pipelined_tiles
