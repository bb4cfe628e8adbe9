// The tensor cores' rung of the matrix product (kernels/matmul.cu has the ladder), bf16 and f16
// with sums in f32. Source: PTX manual, mma.m16n8k16 and ldmatrix; their layouts are in
// kernels/ptx.cuh. A block of 4 warps makes 64 x 64 of c, a warp 32 x 32 of it: 2 by 4 products of
// 16 x 8 x 16 at a time. Tiles of a and b are 32 deep and lie in shared memory as they do in
// memory; ldmatrix transposes where the tensor cores want it otherwise. Rows are 16 bytes longer
// than the tile, so that the 8 rows of an ldmatrix lie in different banks. Two pairs of tiles:
// while one is multiplied, cp.async brings the next.
#include "kernels/matmul.cuh"
#include "kernels/ptx.cuh"

namespace lathe::kernels {
namespace {

constexpr int threads = 128, tile = 64, depth = 32, pad = 8, vector = 8;

/// A tile in shared memory: x by p where memory runs along p, else p by x.
template <class T, bool along_x>
struct SharedTile {
  static constexpr int rows = along_x ? depth : tile, columns = along_x ? tile : depth;
  static constexpr int pitch = columns + pad, elements = rows * pitch;
  static constexpr int across = columns / vector;  // vectors of a row

  /// Asks for the tile at (x0, p0); outside become zeros. Eight lanes, whose vectors are stored
  /// together, take a row where it has as many, else a vector each of 8 rows: different banks.
  static __device__ void load(T* to, const T* from, int64_t x0, int64_t x_extent, int64_t p0,
                              int64_t p_extent) {
    const int64_t row0 = along_x ? p0 : x0, row_extent = along_x ? p_extent : x_extent;
    const int64_t column0 = along_x ? x0 : p0, column_extent = along_x ? x_extent : p_extent;
    UNROLL
    for (int e = int(threadIdx.x); e < rows * columns / vector; e += threads) {
      const int row = along_x ? e / across : e / (8 * across) * 8 + e % 8;
      const int column = (along_x ? e % across : e / 8 % across) * vector;
      const bool inside = row0 + row < row_extent && column0 + column < column_extent;
      const int64_t at = inside ? (row0 + row) * column_extent + column0 + column : 0;
      cp_async<16>(to + row * pitch + column, from + at, inside ? 16 : 0);
    }
  }
  static __device__ const T* at(const T* shared, int x, int p) {
    return shared + (along_x ? p * pitch + x : x * pitch + p);
  }
};

/// Rows x to x + 15 and p to p + 15 of a, as mma wants them.
template <class T, bool along_x>
__device__ __forceinline__ void load_left(uint32_t (&r)[4], const T* shared, int x, int p) {
  const int lane = int(threadIdx.x) % 32;
  if constexpr (along_x)
    ldmatrix_x4_trans(
        r, SharedTile<T, true>::at(shared, x + lane / 8 % 2 * 8, p + lane / 16 * 8 + lane % 8));
  else
    ldmatrix_x4(r, SharedTile<T, false>::at(shared, x + lane % 16, p + lane / 16 * 8));
}

/// Columns x to x + 15 and p to p + 15 of b: two operands of mma.
template <class T, bool along_x>
__device__ __forceinline__ void load_right(uint32_t (&r)[2][2], const T* shared, int x, int p) {
  const int lane = int(threadIdx.x) % 32;
  uint32_t four[4];
  if constexpr (along_x)
    ldmatrix_x4_trans(four, SharedTile<T, true>::at(shared, x + lane / 16 * 8, p + lane % 16));
  else
    ldmatrix_x4(
        four, SharedTile<T, false>::at(shared, x + lane / 16 * 8 + lane % 8, p + lane / 8 % 2 * 8));
  UNROLL
  for (int i = 0; i < 4; ++i) r[i / 2][i % 2] = four[i];
}

/// sums += the warp's part of a tile times a tile.
template <class T, bool ta, bool tb>
__device__ __forceinline__ void multiply(float (&sums)[2][4][4], const T* a, const T* b, int x0,
                                         int y0) {
  UNROLL
  for (int p = 0; p < depth; p += 16) {
    uint32_t left[2][4], right[2][2][2];
    UNROLL
    for (int i = 0; i < 2; ++i) {
      load_left<T, ta>(left[i], a, y0 + 16 * i, p);
      load_right<T, !tb>(right[i], b, x0 + 16 * i, p);
    }
    UNROLL
    for (int i = 0; i < 2; ++i) UNROLL
    for (int j = 0; j < 4; ++j) mma_m16n8k16<T>(sums[i][j], left[i], right[j / 2][j % 2]);
  }
}

template <class T>
__device__ void write(const DeviceProduct<T>& s, const float (&sums)[2][4][4], int64_t row,
                      int64_t column) {
  const int lane = int(threadIdx.x) % 32;
  UNROLL  // constant indices keep the sums in registers
  for (int i = 0; i < 2; ++i) UNROLL
  for (int j = 0; j < 4; ++j) UNROLL
  for (int half = 0; half < 2; ++half) {
    const int64_t y = row + 16 * i + 8 * half + lane / 4, x = column + 8 * j + lane % 4 * 2;
    if (y >= s.m || x >= s.n) continue;
    Vector<T, 2> out;
    out[0] = s.finish(sums[i][j][2 * half], x);
    out[1] = s.finish(sums[i][j][2 * half + 1], x + 1);
    store_vector<2>(s.c + y * s.n + x, out);
  }
}

template <class T, bool ta, bool tb>
__global__ void __launch_bounds__(threads) tensor_core(DeviceProduct<T> whole) {
  using A = SharedTile<T, ta>;
  using B = SharedTile<T, !tb>;
  SHARED_ALIGNED(16, T, a_tiles, [2][A::elements]);
  SHARED_ALIGNED(16, T, b_tiles, [2][B::elements]);
  const TileOrigin origin = tile_origin(whole.n, tile, tile);
  const int warp = int(threadIdx.x) / 32, x0 = warp % 2 * 32, y0 = warp / 2 * 32;
  for (int64_t batch = blockIdx.y; batch < whole.batch; batch += gridDim.y) {
    const DeviceProduct<T> s = whole.at(batch);
    const auto load = [&](int into, int64_t p0) {
      A::load(a_tiles[into], s.a, origin.row, s.m, p0, s.k);
      B::load(b_tiles[into], s.b, origin.column, s.n, p0, s.k);
      cp_async_commit();
    };
    float sums[2][4][4] = {};
    int now = 0;
    load(now, 0);
    for (int64_t p0 = 0; p0 < s.k; p0 += depth) {
      if (p0 + depth < s.k) {
        load(1 - now, p0 + depth);
        cp_async_wait<1>();
      } else {
        cp_async_wait<0>();
      }
      __syncthreads();  // what all threads asked for is there
      multiply<T, ta, tb>(sums, a_tiles[now], b_tiles[now], x0, y0);
      __syncthreads();  // all have read it, and it may be overwritten
      now = 1 - now;
    }
    write(s, sums, origin.row + y0, origin.column + x0);
  }
}

template <class T>
void run(Tensor& c, const Tensor& a, const Tensor& b, const Tensor& bias, MatmulOptions options) {
  const bool ta = options.transpose_a, tb = options.transpose_b;
  const auto kernel = ta ? (tb ? tensor_core<T, true, true> : tensor_core<T, true, false>)
                         : (tb ? tensor_core<T, false, true> : tensor_core<T, false, false>);
  launch(kernel, tile_grid(matmul_shape(c, a, b, bias, options), tile, tile), threads, 0,
         device_product<T>(c, a, b, bias, options));
}

}  // namespace

void matmul_tensor_core(Tensor& c, const Tensor& a, const Tensor& b, const Tensor& bias,
                        MatmulOptions options) {
  if (c.numel() == 0) return;
  (c.dtype() == DType::bf16 ? run<bf16> : run<f16>)(c, a, b, bias, options);
}

Fit fits_tensor_core(Tensor& c, const Tensor& a, const Tensor& b, const Tensor& bias,
                     MatmulOptions options) {
  if (c.dtype() != DType::bf16 && c.dtype() != DType::f16) return "needs bf16 or f16";
  if (matmul_shape(c, a, b, bias, options).k == 0) return "needs K of at least 1";
  const bool aligned =
      whole_vectors(c, vector) && whole_vectors(a, vector) && whole_vectors(b, vector);
  return aligned ? Fit() : "needs rows of c, a and b in whole vectors of 16 bytes";
}

}  // namespace lathe::kernels
