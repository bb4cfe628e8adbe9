// Matrix product on the GPU.
//   c[i, j] = epilogue(bias[j] + sum over p of op(a)[i, p] op(b)[p, j]),  row-major
// Sources: CUDA C++ Programming Guide, "Shared Memory"; S. Boehm, "How to Optimize a CUDA Matmul
// Kernel", 2022, whose order the ladder has:
//   naive           a thread an element; neighbouring lanes take rows, so a warp's accesses to a
//                   and c are far apart
//   coalesced       lanes take columns: reads of b and writes of c are whole lines of 128 bytes
//   shared_tiles    a block reads 16 x 16 tiles of a and b once for all its threads: a sixteenth of
//                   the traffic
//   register_tiles  64 x 64 tiles, 4 x 4 elements a thread: four times fewer reads of shared memory
//                   an addition
//   pipelined       f32 and f64: 8 x 8 elements a thread in f32 (4 x 4 in f64), accesses of 16
//                   bytes, and the next tiles are on their way while these are multiplied
//                   (matmul_pipelined.cu)
//   tensor_core     bf16 and f16 by mma.sync, tiles brought by cp.async (matmul_tensor_core.cu)
//   cublaslt        NVIDIA's library, in builds that have it (matmul_cublaslt.cpp)
// Ours take both transposes, batches and epilogues. Each element is summed in the order of p: the
// result is always the same.
#include "kernels/matmul.cuh"

namespace lathe::kernels {
namespace {

template <class T>
__device__ void one_element(const DeviceProduct<T>& s, int64_t i, int64_t j) {
  acc_t<T> sum = 0;
  for (int64_t p = 0; p < s.k; ++p) sum += acc_t<T>(s.a_at(i, p)) * acc_t<T>(s.b_at(p, j));
  s.c[i * s.n + j] = s.finish(sum, j);
}

template <class T>
__global__ void naive(DeviceProduct<T> s) {
  const TileOrigin origin = tile_origin(s.n, 32, 8);
  const int64_t i = origin.row + threadIdx.x, j = origin.column + threadIdx.y;
  if (i >= s.m || j >= s.n) return;
  for (int64_t batch = blockIdx.y; batch < s.batch; batch += gridDim.y)
    one_element(s.at(batch), i, j);
}

template <class T>
__global__ void coalesced(DeviceProduct<T> s) {
  const TileOrigin origin = tile_origin(s.n, 8, 32);
  const int64_t i = origin.row + threadIdx.y, j = origin.column + threadIdx.x;
  if (i >= s.m || j >= s.n) return;
  for (int64_t batch = blockIdx.y; batch < s.batch; batch += gridDim.y)
    one_element(s.at(batch), i, j);
}

/// Neighbouring lanes read neighbouring elements of a and b, whichever way these are stored; a
/// column more than needed keeps the transposed writes out of each other's banks.
template <class T>
__global__ void __launch_bounds__(256) shared_tiles(DeviceProduct<T> whole) {
  constexpr int tile = 16;
  using Acc = acc_t<T>;
  SHARED(Acc, a_tile, [tile][tile + 1]);
  SHARED(Acc, b_tile, [tile][tile + 1]);
  const int x = int(threadIdx.x), y = int(threadIdx.y);
  const TileOrigin origin = tile_origin(whole.n, tile, tile);
  for (int64_t batch = blockIdx.y; batch < whole.batch; batch += gridDim.y) {
    const DeviceProduct<T> s = whole.at(batch);
    Acc sum = 0;
    for (int64_t p0 = 0; p0 < s.k; p0 += tile) {
      const int ai = s.transpose_a ? x : y, ap = s.transpose_a ? y : x;
      const int bj = s.transpose_b ? y : x, bp = s.transpose_b ? x : y;
      const bool a_inside = origin.row + ai < s.m && p0 + ap < s.k;
      const bool b_inside = origin.column + bj < s.n && p0 + bp < s.k;
      a_tile[ai][ap] = a_inside ? Acc(s.a_at(origin.row + ai, p0 + ap)) : Acc(0);
      b_tile[bp][bj] = b_inside ? Acc(s.b_at(p0 + bp, origin.column + bj)) : Acc(0);
      __syncthreads();
      UNROLL
      for (int p = 0; p < tile; ++p) sum += a_tile[y][p] * b_tile[p][x];
      __syncthreads();
    }
    const int64_t i = origin.row + y, j = origin.column + x;
    if (i < s.m && j < s.n) s.c[i * s.n + j] = s.finish(sum, j);
  }
}

constexpr int block_tile = 64, depth = 16, thread_tile = 4, threads = 256;

/// A row of a tile and 8 bytes, so that lanes which store a column of it meet no bank twice: in f32
/// 16 rows and 2 columns at a time, in f64 16 rows.
template <class Acc>
constexpr int pitch = block_tile + 8 / int(sizeof(Acc));

/// tile[p][x] = element (p0 + p, x0 + x) of a matrix whose neighbours along x, or along p, are
/// neighbours in memory; zeros outside.
template <class T>
__device__ void load_tile(acc_t<T> (&tile)[depth][pitch<acc_t<T>>], const T* from, int64_t x0,
                          int64_t x_extent, int64_t p0, int64_t p_extent, bool along_x) {
  UNROLL
  for (int e = int(threadIdx.x); e < depth * block_tile; e += threads) {
    const int x = along_x ? e % block_tile : e / depth, p = along_x ? e / block_tile : e % depth;
    const bool inside = x0 + x < x_extent && p0 + p < p_extent;
    const int64_t at = along_x ? (p0 + p) * x_extent + x0 + x : (x0 + x) * p_extent + p0 + p;
    tile[p][x] = inside ? acc_t<T>(from[at]) : acc_t<T>(0);
  }
}

/// A thread's rows and columns are 16 apart, so that lanes read neighbouring words.
template <class T>
__global__ void __launch_bounds__(threads, 1) register_tiles(DeviceProduct<T> whole) {
  using Acc = acc_t<T>;
  SHARED(Acc, a_tile, [depth][pitch<Acc>]);
  SHARED(Acc, b_tile, [depth][pitch<Acc>]);
  const int x = int(threadIdx.x) % 16, y = int(threadIdx.x) / 16;
  const TileOrigin origin = tile_origin(whole.n, block_tile, block_tile);
  for (int64_t batch = blockIdx.y; batch < whole.batch; batch += gridDim.y) {
    const DeviceProduct<T> s = whole.at(batch);
    Acc sums[thread_tile][thread_tile] = {};
    for (int64_t p0 = 0; p0 < s.k; p0 += depth) {
      load_tile(a_tile, s.a, origin.row, s.m, p0, s.k, s.transpose_a);
      load_tile(b_tile, s.b, origin.column, s.n, p0, s.k, !s.transpose_b);
      __syncthreads();
      for (int p = 0; p < depth; ++p) {
        Acc left[thread_tile], right[thread_tile];
        UNROLL
        for (int r = 0; r < thread_tile; ++r) {
          left[r] = a_tile[p][y + 16 * r];
          right[r] = b_tile[p][x + 16 * r];
        }
        UNROLL
        for (int r = 0; r < thread_tile; ++r) UNROLL
        for (int c = 0; c < thread_tile; ++c) sums[r][c] += left[r] * right[c];
      }
      __syncthreads();
    }
    UNROLL  // constant indices keep the sums in registers
    for (int r = 0; r < thread_tile; ++r) UNROLL
    for (int c = 0; c < thread_tile; ++c) {
      const int64_t i = origin.row + y + 16 * r, j = origin.column + x + 16 * c;
      if (i < s.m && j < s.n) s.c[i * s.n + j] = s.finish(sums[r][c], j);
    }
  }
}

struct Naive {
  static constexpr int rows = 32, columns = 8;
  static dim3 block() { return dim3(32, 8); }
  template <class T>
  static auto kernel() {
    return naive<T>;
  }
};
struct Coalesced {
  static constexpr int rows = 8, columns = 32;
  static dim3 block() { return dim3(32, 8); }
  template <class T>
  static auto kernel() {
    return coalesced<T>;
  }
};
struct SharedTiles {
  static constexpr int rows = 16, columns = 16;
  static dim3 block() { return dim3(16, 16); }
  template <class T>
  static auto kernel() {
    return shared_tiles<T>;
  }
};
struct RegisterTiles {
  static constexpr int rows = block_tile, columns = block_tile;
  static dim3 block() { return dim3(threads); }
  template <class T>
  static auto kernel() {
    return register_tiles<T>;
  }
};

template <class Rung>
void run(Tensor& c, const Tensor& a, const Tensor& b, const Tensor& bias, MatmulOptions options) {
  const MatmulShape shape = matmul_shape(c, a, b, bias, options);
  if (c.numel() == 0) return;
  dispatch_floating("matmul", c.dtype(), [&]<class T>() {
    launch(Rung::template kernel<T>(), tile_grid(shape, Rung::rows, Rung::columns), Rung::block(),
           0, device_product<T>(c, a, b, bias, options));
  });
}

}  // namespace

REGISTER_KERNELS(matmul, cuda, tuned, {"tensor_core", matmul_tensor_core, fits_tensor_core},
                 {"pipelined", matmul_pipelined, fits_pipelined},
                 {"register_tiles", run<RegisterTiles>}, {"shared_tiles", run<SharedTiles>},
                 {"coalesced", run<Coalesced>}, {"naive", run<Naive>});

}  // namespace lathe::kernels
