// Blocked rows of the matrix product for AVX-512 and AVX2, f32 and f64, as Goto and van de Geijn
// describe it (Anatomy of High-Performance Matrix Multiplication, 2008). Three levels:
//   a tile of c, 8 rows by 3 vectors (4 by 3 with AVX2), is kept in registers while K runs
//   panels: a is repacked into tile_rows by K pieces and b into K by tile_columns pieces, so that a
//   tile reads both in order and the edges of the matrices are zeros
//   blocks: 448 of K at a time, so that a panel of a stays in the first-level cache and a thread's
//   panels of b in the second; 512 rows of a at a time, packed by all threads for all
// The tiles of c are dealt to the threads panel by panel. Each element is summed by one thread, in
// an order that does not depend on their number.
#include "kernels/matmul.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include "kernels/ceil_div.h"
#include "kernels/cpu_features.h"
#include "kernels/scratch.h"
#include "tensor/parallel.h"

namespace lathe::kernels {
namespace {

constexpr int64_t depth_step = 448, row_step = 512, shared_depth = 10 * depth_step;
/// Bytes of a thread's panels of b.
constexpr int64_t own_bytes = 512 << 10;

/// One product of matrices. Steps are the distances of neighbours in memory: element (i, p) of
/// op(a) is at a[i * a_row + p * a_column].
template <class T>
struct Product {
  T* c;
  const T *a, *b, *bias;
  int64_t m, n, k, a_row, a_column, b_row, b_column;
  bool relu;
};

/// Rows of c and a range of K that are worked through together.
struct Block {
  int64_t row_begin, row_end, depth_begin, depth_end;
};

/// Tiles of a block: a range of its rows, in tiles, and of c's panels of columns.
struct TilePart {
  int64_t tile_begin, tile_end, panel_begin, panel_end;
};

// Their order is their meaning.
// clang-format off
namespace avx512 {
#include "kernels/simd_avx512.inc"
inline __m512 relu_vector(__m512 a) { return _mm512_max_ps(_mm512_setzero_ps(), a); }
inline __m512d relu_vector(__m512d a) { return _mm512_max_pd(_mm512_setzero_pd(), a); }
#include "kernels/simd_pack.inc"
#include "kernels/matmul_blocked_rows.inc"
#include "kernels/simd_end.inc"
}  // namespace avx512

namespace avx2 {
#include "kernels/simd_avx2.inc"
inline __m256 relu_vector(__m256 a) { return _mm256_max_ps(_mm256_setzero_ps(), a); }
inline __m256d relu_vector(__m256d a) { return _mm256_max_pd(_mm256_setzero_pd(), a); }
#include "kernels/simd_pack.inc"
#include "kernels/matmul_blocked_rows.inc"
#include "kernels/simd_end.inc"
}  // namespace avx2
// clang-format on

/// The functions of an instruction set.
template <class T>
struct Avx512 {
  static constexpr int rows = avx512::tile_rows, columns = avx512::tile_columns<T>;
  static constexpr auto pack_rows = avx512::pack_rows<T>;
  static constexpr auto multiply_part = avx512::multiply_part<T>;
};
template <class T>
struct Avx2 {
  static constexpr int rows = avx2::tile_rows, columns = avx2::tile_columns<T>;
  static constexpr auto pack_rows = avx2::pack_rows<T>;
  static constexpr auto multiply_part = avx2::multiply_part<T>;
};

/// Multiplications that are worth a thread.
constexpr int64_t thread_work = 1 << 16;

/// The grain of parts that are worth a thread when each unit has this much work.
int64_t grain_of(int64_t worth, int64_t work) {
  return std::max<int64_t>(1, worth / std::max<int64_t>(1, work));
}

/// One block: packs a's part, then deals out the tiles of c. A panel of columns is cut into groups
/// of rows where there are few panels, so that all threads get as much; the order is panel by
/// panel.
template <class Isa, class T>
void multiply_block(const Product<T>& s, const Block& block) {
  const int64_t rows = block.row_end - block.row_begin, depth = block.depth_end - block.depth_begin;
  const int64_t tiles = ceil_div(rows, Isa::rows), panels = ceil_div(s.n, Isa::columns);
  const int64_t groups = std::clamp<int64_t>(ceil_div(8 * num_threads(), panels), 1, tiles);
  T* const a_panels = static_cast<T*>(
      scratch_memory(ScratchUse::shared_panels, size_t(tiles * Isa::rows * depth) * sizeof(T)));
  parallel_for(
      0, tiles, grain_of(thread_work / 4, Isa::rows * depth),
      [&](int64_t first, int64_t last) { Isa::pack_rows(s, block, a_panels, first, last); });
  const auto part = [&](int64_t panel_begin, int64_t panel_end, int64_t group_begin,
                        int64_t group_end) {
    if (panel_begin < panel_end && group_begin < group_end)
      Isa::multiply_part(
          s, block, a_panels,
          {tiles * group_begin / groups, tiles * group_end / groups, panel_begin, panel_end});
  };
  parallel_for(0, panels * groups, grain_of(thread_work, rows * depth * Isa::columns / groups),
               [&](int64_t first, int64_t last) {
                 const int64_t head = first / groups, tail = last / groups;
                 if (head == tail) return part(head, head + 1, first % groups, last % groups);
                 part(head, head + 1, first % groups, groups);
                 part(head + 1, tail, 0, groups);
                 part(tail, tail + 1, 0, last % groups);
               });
}

template <class Isa, class T>
void multiply(const Product<T>& s) {
  for (int64_t row = 0; row < s.m; row += row_step)
    for (int64_t depth = 0; depth < s.k; depth += shared_depth)
      multiply_block<Isa>(
          s, {row, std::min(row + row_step, s.m), depth, std::min(depth + shared_depth, s.k)});
}

template <template <class> class Isa>
void matmul_blocked(Tensor& c, const Tensor& a, const Tensor& b, const Tensor& bias,
                    MatmulOptions options) {
  const MatmulShape s = matmul_shape(c, a, b, bias, options);
  if (c.numel() == 0) return;
  const bool ta = options.transpose_a, tb = options.transpose_b;
  dispatch_float("matmul", c.dtype(), [&]<class T>() {
    const Product<T> whole = {
        c.data<T>(),  a.data<T>(),  b.data<T>(),  bias ? bias.data<T>() : nullptr,
        s.m,          s.n,          s.k,          ta ? 1 : s.k,
        ta ? s.m : 1, tb ? 1 : s.n, tb ? s.k : 1, options.epilogue == Epilogue::bias_relu};
    parallel_for(0, s.batch,
                 s.batch < num_threads() ? s.batch : grain_of(thread_work, s.m * s.n * s.k),
                 [&](int64_t first, int64_t last) {
                   for (int64_t i = first; i < last; ++i) {
                     Product<T> one = whole;
                     one.a += i * s.m * s.k;
                     one.b += i * s.k * s.n;
                     one.c += i * s.m * s.n;
                     multiply<Isa<T>>(one);
                   }
                 });
  });
}

Fit fits_types(const Tensor& c, const Tensor& a, MatmulOptions options) {
  if (c.dtype() != DType::f32 && c.dtype() != DType::f64) return "needs f32 or f64";
  return a.rank() > 1 && a.dim(options.transpose_a ? -2 : -1) > 0 ? Fit() : "needs K of at least 1";
}
Fit fits_avx512(Tensor& c, const Tensor& a, const Tensor&, const Tensor&, MatmulOptions options) {
  return has_avx512() ? fits_types(c, a, options) : "needs AVX-512";
}
Fit fits_avx2(Tensor& c, const Tensor& a, const Tensor&, const Tensor&, MatmulOptions options) {
  return has_avx2() ? fits_types(c, a, options) : "needs AVX2";
}

}  // namespace

REGISTER_KERNELS(matmul, cpu, tuned, {"blocked_avx512", matmul_blocked<Avx512>, fits_avx512},
                 {"blocked_avx2", matmul_blocked<Avx2>, fits_avx2});

}  // namespace lathe::kernels
#endif
