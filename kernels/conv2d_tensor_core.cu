// The tensor cores' rung of a convolution (conv2d_direct.cu has the ladder), bf16 and f16 with sums
// in f32. Sources: PTX manual, mma.m16n8k16, ldmatrix and cp.async, whose layouts are in
// kernels/ptx.cuh; NVIDIA, CUTLASS, "Implicit GEMM Convolution". A block of 4 warps makes a square
// of results, 128 wide where that gives enough blocks for the device, else 64; a warp a quarter of
// it, by products of 16 x 8 x 16. Tiles are 32 terms deep and lie in shared memory as they do in
// memory; ldmatrix transposes where the tensor cores want it otherwise. Rows are 16 bytes longer
// than the tile, so that the 8 rows of an ldmatrix lie in different banks. Three pairs of tiles:
// while one is multiplied, cp.async brings the next two, and fills with zeros what lies outside the
// image. A barrier a step says both that a pair is there and that all are done with the one before.
#include "kernels/conv2d_products.cuh"
#include "kernels/ptx.cuh"

namespace lathe::kernels {
namespace {

constexpr int threads = 128, depth = 32, pad = 8, vector = 8, stages = 3;

/// An operand's tile in shared memory, x by terms where memory runs along the terms, else terms by
/// x, and how this thread fills its part of it.
template <class Source, int tile>
struct SharedTile {
  using T = typename Source::Element;
  static constexpr bool along_x = Source::along_x;
  static constexpr int columns = along_x ? tile : depth, across = columns / vector;
  static constexpr int pitch = columns + pad, elements = (along_x ? depth : tile) * pitch;
  static constexpr int per_thread = tile * depth / vector / threads;
  static constexpr int lines = along_x ? 1 : per_thread;

  typename Source::Line line[lines];

  /// Vector i of this thread: eight lanes, whose vectors are stored together, take a row where it
  /// has as many, else a vector each of 8 rows: different banks.
  static __device__ int row(int i) {
    const int t = int(threadIdx.x);
    return along_x ? t / across + i * (threads / across)
                   : t / (8 * across) * 8 + t % 8 + i * (threads / across);
  }
  static __device__ int column() {
    const int t = int(threadIdx.x);
    return (along_x ? t % across : t / 8 % across) * vector;
  }
  /// Past the end of x it repeats the last: nobody stores what is made of it.
  __device__ SharedTile(const Source& from, int x0, int x_extent) {
    UNROLL
    for (int i = 0; i < lines; ++i)
      line[i] = from.line(along_x ? min(x0 + column(), x_extent - vector)
                                  : min(x0 + row(i), x_extent - 1));
  }
  /// Asks for the terms from k0 on.
  __device__ void load(T* to, const Source& from, int k0, int k_extent) const {
    UNROLL
    for (int i = 0; i < per_thread; ++i) {
      const int k = k0 + (along_x ? row(i) : column());
      const T* const p = k < k_extent ? from.at(line[along_x ? 0 : i], from.term(k)) : nullptr;
      cp_async<16>(to + row(i) * pitch + column(), p ? p : from.matrix.elements, p ? 16 : 0);
    }
  }
  static __device__ const T* at(const T* shared, int x, int k) {
    return shared + (along_x ? k * pitch + x : x * pitch + k);
  }
};

/// Rows x to x + 15 and terms k to k + 15 of a, as mma wants them.
template <class Tile, class T>
__device__ __forceinline__ void load_left(uint32_t (&r)[4], const T* shared, int x, int k) {
  const int lane = int(threadIdx.x) % 32;
  if constexpr (Tile::along_x)
    ldmatrix_x4_trans(r, Tile::at(shared, x + lane / 8 % 2 * 8, k + lane / 16 * 8 + lane % 8));
  else
    ldmatrix_x4(r, Tile::at(shared, x + lane % 16, k + lane / 16 * 8));
}

/// Columns x to x + 15 and terms k to k + 15 of b: two operands of mma.
template <class Tile, class T>
__device__ __forceinline__ void load_right(uint32_t (&r)[2][2], const T* shared, int x, int k) {
  const int lane = int(threadIdx.x) % 32;
  uint32_t four[4];
  if constexpr (Tile::along_x)
    ldmatrix_x4_trans(four, Tile::at(shared, x + lane / 16 * 8, k + lane % 16));
  else
    ldmatrix_x4(four, Tile::at(shared, x + lane / 16 * 8 + lane % 8, k + lane / 8 % 2 * 8));
  UNROLL
  for (int i = 0; i < 4; ++i) r[i / 2][i % 2] = four[i];
}

/// A warp's sums: half a tile squared.
template <int tile>
using Sums = float[tile / 32][tile / 16][4];

template <class A, class B, int tile, class T>
__device__ __forceinline__ void multiply(Sums<tile>& sums, const T* a, const T* b, int x0, int y0) {
  UNROLL
  for (int k = 0; k < depth; k += 16) {
    uint32_t left[tile / 32][4], right[tile / 32][2][2];
    UNROLL
    for (int i = 0; i < tile / 32; ++i) {
      load_left<A>(left[i], a, y0 + 16 * i, k);
      load_right<B>(right[i], b, x0 + 16 * i, k);
    }
    UNROLL
    for (int i = 0; i < tile / 32; ++i) UNROLL
    for (int j = 0; j < tile / 16; ++j) mma_m16n8k16<T>(sums[i][j], left[i], right[j / 2][j % 2]);
  }
}

template <int tile, class Product>
__device__ __forceinline__ void write(const Product& p, const Sums<tile>& sums, int row0,
                                      int column0) {
  const int lane = int(threadIdx.x) % 32;
  UNROLL  // constant indices keep the sums in registers
  for (int i = 0; i < tile / 32; ++i) UNROLL
  for (int j = 0; j < tile / 16; ++j) UNROLL
  for (int half = 0; half < 2; ++half) {
    const int row = row0 + 16 * i + 8 * half + lane / 4, column = column0 + 8 * j + lane % 4 * 2;
    const float two[2] = {sums[i][j][2 * half], sums[i][j][2 * half + 1]};
    if (row < p.m && column < p.n) p.result.store(row, column, two);
  }
}

template <class Product, int tile>
__global__ void __launch_bounds__(threads) tensor_core(Product whole) {
  using T = typename Product::Element;
  using A = SharedTile<typename Product::A, tile>;
  using B = SharedTile<typename Product::B, tile>;
  T* const a_tiles = dynamic_shared<T>();
  T* const b_tiles = a_tiles + stages * A::elements;
  int begin;
  const Product p = whole.here(&begin);
  const int across = ceil_div(p.n, tile);
  const int row0 = int(blockIdx.x) / across * tile, column0 = int(blockIdx.x) % across * tile;
  const int warp = int(threadIdx.x) / 32, x0 = warp % 2 * (tile / 2), y0 = warp / 2 * (tile / 2);
  const A a(p.a, row0, p.m);
  const B b(p.b, column0, p.n);
  const auto load = [&](int step) {
    if (const int k0 = begin + step * depth; k0 < p.k) {
      a.load(a_tiles + step % stages * A::elements, p.a, k0, p.k);
      b.load(b_tiles + step % stages * B::elements, p.b, k0, p.k);
    }
    cp_async_commit();  // an empty group too, so that waiting is by count
  };
  Sums<tile> sums = {};
  UNROLL
  for (int step = 0; step < stages - 1; ++step) load(step);
  for (int step = 0; begin + step * depth < p.k; ++step) {
    cp_async_wait<stages - 2>();
    __syncthreads();  // this step's tiles are there, and all have read the last step's
    load(step + stages - 1);
    multiply<A, B, tile, T>(sums, a_tiles + step % stages * A::elements,
                            b_tiles + step % stages * B::elements, x0, y0);
  }
  write<tile>(p, sums, row0 + y0, column0 + x0);
}

template <class Product, int tile>
void start_tiles(dim3 grid, const Product& p) {
  using T = typename Product::Element;
  constexpr int elements = SharedTile<typename Product::A, tile>::elements +
                           SharedTile<typename Product::B, tile>::elements;
  grid.x = unsigned(ceil_div(p.m, tile) * ceil_div(p.n, tile));
  launch(tensor_core<Product, tile>, grid, threads, stages * elements * sizeof(T), p);
}

struct TensorCore {
  static constexpr int rows = 64, columns = 64;
  static Fit fits(const Tensor& y, const Tensor& x, const Tensor& w, const Conv2dShape& k) {
    if (y.dtype() != DType::bf16 && y.dtype() != DType::f16) return "needs bf16 or f16";
    return fits_conv_vectors(y, x, w, k);
  }
  template <class F>
  static void dispatch(DType dtype, const F& f) {
    dtype == DType::bf16 ? f.template operator()<bf16>() : f.template operator()<f16>();
  }
  /// Large tiles take half the reads a multiplication, and want two blocks for each of some 130
  /// multiprocessors.
  template <class Product>
  static void start(dim3 grid, const Product& p) {
    const int64_t large = ceil_div(p.m, 128) * ceil_div(p.n, 128) * int64_t(grid.y) * grid.z;
    large >= 256 && p.m > 64 && p.n > 64 ? start_tiles<Product, 128>(grid, p)
                                         : start_tiles<Product, 64>(grid, p);
  }
};

}  // namespace

ConvRows tensor_core_rows() { return rows_of<TensorCore>("tensor_core"); }

}  // namespace lathe::kernels
