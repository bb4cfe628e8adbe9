// The first rung of a convolution as a matrix product (conv2d_direct.cu has the ladder, conv2d.cuh
// the operands). A block of 256 threads makes 16 x 16 results, a thread one of them. Each element
// of a tile is looked up once and serves 16 threads; lanes take neighbours in memory, along x or
// along the terms of the sum, and a column more than needed keeps their writes out of each other's
// banks. Every element's place is computed anew: three or four divisions, by multiplication.
#include "kernels/conv2d_products.cuh"

namespace lathe::kernels {
namespace {

constexpr int tile = 16;

template <class Acc>
using Tile = Acc[tile][tile + 1];

/// to[term][x], zeros outside.
template <class Acc, class Source>
__device__ __forceinline__ void load_tile(Tile<Acc>& to, const Source& from, int x0, int x_extent,
                                          int k0, int k_extent) {
  const int tx = int(threadIdx.x), ty = int(threadIdx.y);
  const int x = Source::along_x ? tx : ty, k = Source::along_x ? ty : tx;
  Acc value = 0;
  if (x0 + x < x_extent && k0 + k < k_extent)
    if (const auto* p = from.at(from.line(x0 + x), from.term(k0 + k))) value = Acc(*p);
  to[k][x] = value;
}

template <class Product>
__global__ void __launch_bounds__(256) implicit_gemm(Product whole) {
  using Acc = acc_t<typename Product::Element>;
  SHARED(Acc, a_tile, [tile][tile + 1]);
  SHARED(Acc, b_tile, [tile][tile + 1]);
  int begin;
  const Product p = whole.here(&begin);
  const int across = ceil_div(p.n, tile), x = int(threadIdx.x), y = int(threadIdx.y);
  const int row0 = int(blockIdx.x) / across * tile, column0 = int(blockIdx.x) % across * tile;
  Acc sum[1] = {0};
  for (int k0 = begin; k0 < p.k; k0 += tile) {
    load_tile<Acc>(a_tile, p.a, row0, p.m, k0, p.k);
    load_tile<Acc>(b_tile, p.b, column0, p.n, k0, p.k);
    __syncthreads();
    UNROLL
    for (int k = 0; k < tile; ++k) sum[0] += a_tile[k][y] * b_tile[k][x];
    __syncthreads();
  }
  if (row0 + y < p.m && column0 + x < p.n) p.result.store(row0 + y, column0 + x, sum);
}

struct ImplicitGemm : AnyConvolution {
  static constexpr int rows = tile, columns = tile;
  template <class Product>
  static void start(dim3 grid, const Product& p) {
    launch(implicit_gemm<Product>, grid, dim3(tile, tile), 0, p);
  }
};

}  // namespace

ConvRows implicit_gemm_rows() { return rows_of<ImplicitGemm>("implicit_gemm"); }

}  // namespace lathe::kernels
