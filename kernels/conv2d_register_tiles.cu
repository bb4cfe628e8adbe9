// The register tiles of a convolution as a matrix product (conv2d_direct.cu has the ladder,
// conv2d.cuh the operands), any shape and type. A block of 256 threads makes 64 x 64 results, a
// thread 4 x 4 of them, 16 apart, so that lanes read neighbouring words of the tiles: 8 reads of
// shared memory for 16 multiplications, where one result a thread takes 32. Tiles are 16 terms
// deep; rows of 8 bytes more keep lanes that store a column of a tile out of each other's banks.
#include "kernels/conv2d_products.cuh"

namespace lathe::kernels {
namespace {

constexpr int tile = 64, depth = 16, threads = 256, per_thread = 4;

template <class Acc>
constexpr int pitch = tile + 8 / int(sizeof(Acc));
template <class Acc>
using Tile = Acc[depth][pitch<Acc>];

/// to[term][x], zeros outside. A thread's elements share either x or the term, whose place is then
/// computed once; lanes take neighbours in memory.
template <class Acc, class Source>
__device__ __forceinline__ void load_tile(Tile<Acc>& to, const Source& from, int x0, int x_extent,
                                          int k0, int k_extent) {
  const int t = int(threadIdx.x);
  UNROLL
  for (int i = 0; i < tile * depth / threads; ++i) {
    const int x = Source::along_x ? t % tile : t / depth + i * (threads / depth);
    const int k = Source::along_x ? t / tile + i * (threads / tile) : t % depth;
    Acc value = 0;
    if (x0 + x < x_extent && k0 + k < k_extent)
      if (const auto* p = from.at(from.line(x0 + x), from.term(k0 + k))) value = Acc(*p);
    to[k][x] = value;
  }
}

template <class Acc>
__device__ __forceinline__ void multiply(Acc (&sums)[per_thread][per_thread], const Tile<Acc>& a,
                                         const Tile<Acc>& b) {
  const int x = int(threadIdx.x) % 16, y = int(threadIdx.x) / 16;
  for (int k = 0; k < depth; ++k) {
    Acc left[per_thread], right[per_thread];
    UNROLL
    for (int i = 0; i < per_thread; ++i) {
      left[i] = a[k][y + 16 * i];
      right[i] = b[k][x + 16 * i];
    }
    UNROLL
    for (int i = 0; i < per_thread; ++i) UNROLL
    for (int j = 0; j < per_thread; ++j) sums[i][j] += left[i] * right[j];
  }
}

template <class Product>
__global__ void __launch_bounds__(threads) register_tiles(Product whole) {
  using Acc = acc_t<typename Product::Element>;
  SHARED(Acc, a_tile, [depth][pitch<Acc>]);
  SHARED(Acc, b_tile, [depth][pitch<Acc>]);
  int begin;
  const Product p = whole.here(&begin);
  const int across = ceil_div(p.n, tile);
  const int row0 = int(blockIdx.x) / across * tile, column0 = int(blockIdx.x) % across * tile;
  Acc sums[per_thread][per_thread] = {};
  for (int k0 = begin; k0 < p.k; k0 += depth) {
    load_tile<Acc>(a_tile, p.a, row0, p.m, k0, p.k);
    load_tile<Acc>(b_tile, p.b, column0, p.n, k0, p.k);
    __syncthreads();
    multiply<Acc>(sums, a_tile, b_tile);
    __syncthreads();
  }
  UNROLL  // constant indices keep the sums in registers
  for (int i = 0; i < per_thread; ++i) UNROLL
  for (int j = 0; j < per_thread; ++j) {
    const int row = row0 + int(threadIdx.x) / 16 + 16 * i,
              column = column0 + int(threadIdx.x) % 16 + 16 * j;
    const Acc sum[1] = {sums[i][j]};
    if (row < p.m && column < p.n) p.result.store(row, column, sum);
  }
}

struct RegisterTiles : AnyConvolution {
  static constexpr int rows = tile, columns = tile;
  template <class Product>
  static void start(dim3 grid, const Product& p) {
    launch(register_tiles<Product>, grid, threads, 0, p);
  }
};

}  // namespace

ConvRows register_tiles_rows() { return rows_of<RegisterTiles>("register_tiles"); }

}  // namespace lathe::kernels
