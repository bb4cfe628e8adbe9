// The pipelined rung of the matrix product (kernels/matmul.cu has the ladder), f32 and f64.
// A block of 256 threads makes a square tile of c, 128 wide in f32 and 64 in f64; a thread makes 2
// by 2 pieces of one 16-byte vector squared, half a tile apart, so that lanes read shared memory in
// whole vectors from neighbouring banks. Tiles of a and b are 8 deep, both as tile[p][x], two of
// each: while one pair is multiplied, the next is read into registers and then stored to the other.
// Where memory runs along p instead of x, a vector's elements go to different rows of the tile; the
// rows are 4 words longer than the tile, which keeps these writes free of bank conflicts.
#include "kernels/matmul.cuh"
#include "kernels/pipelined_tiles.cuh"

namespace lathe::kernels {
namespace {

using namespace pipelined_tiles;

/// This thread's vector of the tile at (p0, x0), zeros outside.
template <class T, bool along_x>
struct Piece {
  static constexpr int width = Sizes<T>::width, tile = Sizes<T>::tile;
  int x, p;

  __device__ Piece() {
    const int t = int(threadIdx.x);
    x = along_x ? t % (tile / width) * width : t / (depth / width);
    p = along_x ? t / (tile / width) : t % (depth / width) * width;
  }
  __device__ Vector<T, width> load(const T* from, int64_t x0, int64_t x_extent, int64_t p0,
                                   int64_t p_extent) const {
    Vector<T, width> v = {};
    if (x0 + x < x_extent && p0 + p < p_extent)
      v = load_vector<width>(
          from + (along_x ? (p0 + p) * x_extent + x0 + x : (x0 + x) * p_extent + p0 + p));
    return v;
  }
  __device__ void store(Tile<T>& to, const Vector<T, width>& v) const {
    store_piece<along_x>(to, v, x, p);
  }
};

template <class T, bool ta, bool tb>
__global__ void __launch_bounds__(threads) pipelined(DeviceProduct<T> whole) {
  constexpr int width = Sizes<T>::width, tile = Sizes<T>::tile, n = Sizes<T>::per_thread;
  SHARED_ALIGNED(16, T, a_tiles, [2][depth][Sizes<T>::pitch]);
  SHARED_ALIGNED(16, T, b_tiles, [2][depth][Sizes<T>::pitch]);
  const TileOrigin origin = tile_origin(whole.n, tile, tile);
  const Piece<T, ta> a_piece;
  const Piece<T, !tb> b_piece;
  for (int64_t batch = blockIdx.y; batch < whole.batch; batch += gridDim.y) {
    const DeviceProduct<T> s = whole.at(batch);
    T sums[n][n] = {};
    a_piece.store(a_tiles[0], a_piece.load(s.a, origin.row, s.m, 0, s.k));
    b_piece.store(b_tiles[0], b_piece.load(s.b, origin.column, s.n, 0, s.k));
    __syncthreads();
    int now = 0;
    for (int64_t p0 = depth; p0 < s.k; p0 += depth) {
      const auto next_a = a_piece.load(s.a, origin.row, s.m, p0, s.k);
      const auto next_b = b_piece.load(s.b, origin.column, s.n, p0, s.k);
      multiply(sums, a_tiles[now], b_tiles[now]);
      now = 1 - now;
      a_piece.store(a_tiles[now], next_a);
      b_piece.store(b_tiles[now], next_b);
      __syncthreads();
    }
    multiply(sums, a_tiles[now], b_tiles[now]);
    __syncthreads();  // redundant: up to 65535 matrices; then this block has another product
    UNROLL
    for (int r = 0; r < n; ++r) UNROLL
    for (int half = 0; half < 2; ++half) {
      const int64_t i =
          origin.row + r / width * (tile / 2) + int(threadIdx.x) / 16 * width + r % width;
      const int64_t j = origin.column + half * (tile / 2) + int(threadIdx.x) % 16 * width;
      if (i >= s.m || j >= s.n) continue;
      Vector<T, width> out;
      UNROLL
      for (int q = 0; q < width; ++q) out[q] = s.finish(sums[r][half * width + q], j + q);
      store_vector<width>(s.c + i * s.n + j, out);
    }
  }
}

}  // namespace

void matmul_pipelined(Tensor& c, const Tensor& a, const Tensor& b, const Tensor& bias,
                      MatmulOptions options) {
  const MatmulShape shape = matmul_shape(c, a, b, bias, options);
  if (c.numel() == 0) return;
  dispatch_float("matmul", c.dtype(), [&]<class T>() {
    const bool ta = options.transpose_a, tb = options.transpose_b;
    const auto kernel = ta ? (tb ? pipelined<T, true, true> : pipelined<T, true, false>)
                           : (tb ? pipelined<T, false, true> : pipelined<T, false, false>);
    launch(kernel, tile_grid(shape, Sizes<T>::tile, Sizes<T>::tile), threads, 0,
           device_product<T>(c, a, b, bias, options));
  });
}

Fit fits_pipelined(Tensor& c, const Tensor& a, const Tensor& b, const Tensor&, MatmulOptions) {
  if (c.dtype() != DType::f32 && c.dtype() != DType::f64) return "needs f32 or f64";
  const int64_t width = 16 / size_of(c.dtype());
  const bool aligned =
      whole_vectors(c, width) && whole_vectors(a, width) && whole_vectors(b, width);
  return aligned ? Fit() : "needs rows of c, a and b in whole vectors of 16 bytes";
}

}  // namespace lathe::kernels
