// The pipelined rung of a convolution (conv2d_direct.cu has the ladder), f32 and f64; the matrix
// product's rung of this name (matmul_pipelined.cu) with operands that are looked up. A block of
// 256 threads makes a square of results, 128 wide in f32 and 64 in f64; a thread 2 by 2 pieces of
// one 16-byte vector squared. Over register_tiles it mends three things: elements come 16 bytes at
// a time, which whole vectors of channels allow; what a thread's position means (n, p, q or r, s,
// c) is found once, before the loop, and only the other coordinate is taken apart in it; and while
// one pair of tiles is multiplied, the next is on its way.
#include "kernels/conv2d_products.cuh"
#include "kernels/pipelined_tiles.cuh"

namespace lathe::kernels {
namespace {

using namespace pipelined_tiles;

/// This thread's vector of an operand's tiles.
template <class T, class Source>
struct Piece {
  static constexpr int width = Sizes<T>::width, tile = Sizes<T>::tile;
  int x, k;
  typename Source::Line line;

  /// Past the end of x it repeats the last vector: nobody stores what is made of it.
  __device__ Piece(const Source& from, int x0, int x_extent) {
    const int t = int(threadIdx.x);
    x = Source::along_x ? t % (tile / width) * width : t / (depth / width);
    k = Source::along_x ? t / (tile / width) : t % (depth / width) * width;
    line = from.line(min(x0 + x, x_extent - (Source::along_x ? width : 1)));
  }
  __device__ Vector<T, width> load(const Source& from, int k0, int k_extent) const {
    Vector<T, width> v = {};
    if (k0 + k < k_extent)
      if (const T* p = from.at(line, from.term(k0 + k))) v = load_vector<width>(p);
    return v;
  }
  __device__ void store(Tile<T>& to, const Vector<T, width>& v) const {
    store_piece<Source::along_x>(to, v, x, k);
  }
};

template <class Product>
__global__ void __launch_bounds__(threads) pipelined(Product whole) {
  using T = typename Product::Element;
  constexpr int width = Sizes<T>::width, tile = Sizes<T>::tile, n = Sizes<T>::per_thread;
  SHARED_ALIGNED(16, T, a_tiles, [2][depth][Sizes<T>::pitch]);
  SHARED_ALIGNED(16, T, b_tiles, [2][depth][Sizes<T>::pitch]);
  int begin;
  const Product p = whole.here(&begin);
  const int across = ceil_div(p.n, tile);
  const int row0 = int(blockIdx.x) / across * tile, column0 = int(blockIdx.x) % across * tile;
  const Piece<T, typename Product::A> a_piece(p.a, row0, p.m);
  const Piece<T, typename Product::B> b_piece(p.b, column0, p.n);
  T sums[n][n] = {};
  a_piece.store(a_tiles[0], a_piece.load(p.a, begin, p.k));
  b_piece.store(b_tiles[0], b_piece.load(p.b, begin, p.k));
  __syncthreads();
  int now = 0;
  for (int k0 = begin + depth; k0 < p.k; k0 += depth) {
    const auto next_a = a_piece.load(p.a, k0, p.k);
    const auto next_b = b_piece.load(p.b, k0, p.k);
    multiply(sums, a_tiles[now], b_tiles[now]);
    now = 1 - now;
    a_piece.store(a_tiles[now], next_a);
    b_piece.store(b_tiles[now], next_b);
    __syncthreads();
  }
  multiply(sums, a_tiles[now], b_tiles[now]);
  UNROLL
  for (int r = 0; r < n; ++r) UNROLL
  for (int half = 0; half < 2; ++half) {
    const int row = row0 + r / width * (tile / 2) + int(threadIdx.x) / 16 * width + r % width;
    const int column = column0 + half * (tile / 2) + int(threadIdx.x) % 16 * width;
    if (row >= p.m || column >= p.n) continue;
    T out[width];
    UNROLL
    for (int q = 0; q < width; ++q) out[q] = sums[r][half * width + q];
    p.result.store(row, column, out);
  }
}

struct Pipelined {
  static constexpr int rows = Sizes<float>::tile, columns = rows;  // of f64's a quarter
  static Fit fits(const Tensor& y, const Tensor& x, const Tensor& w, const Conv2dShape& k) {
    if (y.dtype() != DType::f32 && y.dtype() != DType::f64) return "needs f32 or f64";
    return fits_conv_vectors(y, x, w, k);
  }
  template <class F>
  static void dispatch(DType dtype, const F& f) {
    dispatch_float("conv2d", dtype, f);
  }
  template <class Product>
  static void start(dim3 grid, const Product& p) {
    using T = typename Product::Element;
    grid.x = unsigned(ceil_div(p.m, Sizes<T>::tile) * ceil_div(p.n, Sizes<T>::tile));
    launch(pipelined<Product>, grid, threads, 0, p);
  }
};

}  // namespace

ConvRows pipelined_rows() { return rows_of<Pipelined>("pipelined"); }

}  // namespace lathe::kernels
