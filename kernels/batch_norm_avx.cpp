// Batch norm on the CPU, rows for AVX-512 and AVX2. Forward: one pass over x for the statistics,
// one that applies them; backward likewise. Both are bound by memory. Sums of f32 are taken in f32
// over a few hundred rows, relative to a value near the mean, and go on in f64; they are cut into
// parts whose number depends on the shape alone, so any number of threads gives the same bytes. The
// first pass goes from the end to the beginning, the second back: each finds in the cache what was
// touched last before it.
#if defined(__x86_64__)
#include <immintrin.h>

#include "kernels/batch_norm_channel.h"
#include "kernels/cpu_features.h"
#include "kernels/reduce.h"
#include "kernels/scratch.h"
#include "kernels/streaming.h"
#include "tensor/parallel.h"

namespace lathe::kernels {
namespace {

constexpr int64_t chunk = 64;        // elements that are made before they are written
constexpr int64_t tile = 512;        // columns whose sums stay in the first cache
constexpr int64_t chunk_rows = 256;  // rows that are summed in x's own type
constexpr int64_t most_columns = 4096;

/// Rows of few channels are taken several at a time, as one wide row, so that loops are long and
/// end with whole vectors.
struct Wide {
  int64_t channels, columns, rows, rest;  // rest: elements after the last whole row
  int64_t parts;

  Wide(const Rows& s) : channels(s.columns), columns(s.columns) {
    while ((columns < 256 || columns % chunk != 0) && 2 * columns <= most_columns) columns *= 2;
    if (columns % chunk != 0) columns = channels;
    const int64_t count = s.rows * s.columns;
    rows = count / columns;
    rest = count % columns;
    parts = std::clamp<int64_t>(std::min(count >> 15, rows / 32), 1, 64);
  }
  Part part(int64_t i) const { return part_of(0, rows, int(i), int(parts)); }
  /// Rows of x, as its channels count them.
  int64_t part_rows(int64_t i) const {
    const Part p = part(i);
    return ((p.end - p.begin) * columns + (i + 1 == parts ? rest : 0)) / channels;
  }
  int64_t grain() const { return std::max<int64_t>(1, (1 << 13) / columns); }
};

/// The tensors of a forward; running statistics are absent in evaluation.
struct ForwardCall {
  Tensor &y, &mean, &rstd;
  const Tensor &x, &weight, &bias, &residual;
};
/// Those of a backward, as in kernels/batch_norm.h.
struct BackwardCall {
  Tensor &dx, &dresidual, &dweight, &dbias;
  const Tensor &dy, &x, &kept, &mean, &rstd, &weight, &bias;
  bool batch;
};

// Their order is their meaning.
// clang-format off
namespace avx512 {
#include "kernels/simd_avx512.inc"
#if !defined(__clang__)
#pragma GCC target("avx512bw,avx512vl,prefer-vector-width=512")
#endif
#include "kernels/simd_stream.inc"
#include "kernels/batch_norm_rows.inc"
#include "kernels/batch_norm_backward_rows.inc"
#include "kernels/simd_end.inc"
}  // namespace avx512

namespace avx2 {
#include "kernels/simd_avx2.inc"
#include "kernels/simd_stream.inc"
#include "kernels/batch_norm_rows.inc"
#include "kernels/batch_norm_backward_rows.inc"
#include "kernels/simd_end.inc"
}  // namespace avx2
// clang-format on

Fit fits_backward_avx512(Tensor&, Tensor&, Tensor&, Tensor&, const Tensor& dy, const Tensor&,
                         const Tensor&, const Tensor&, const Tensor&, const Tensor&, const Tensor&,
                         Nonlinearity, Statistics) {
  return has_avx512() ? fits_f32_f64(dy) : "needs AVX-512";
}
Fit fits_backward_avx2(Tensor&, Tensor&, Tensor&, Tensor&, const Tensor& dy, const Tensor&,
                       const Tensor&, const Tensor&, const Tensor&, const Tensor&, const Tensor&,
                       Nonlinearity, Statistics) {
  return has_avx2() ? fits_f32_f64(dy) : "needs AVX2";
}

}  // namespace

REGISTER_KERNELS(batch_norm_forward, cpu, tuned, {"avx512", avx512::forward, fits_avx512},
                 {"avx2", avx2::forward, fits_avx2});
REGISTER_KERNELS(batch_norm_inference, cpu, tuned, {"avx512", avx512::inference, fits_avx512},
                 {"avx2", avx2::inference, fits_avx2});
REGISTER_KERNELS(batch_norm_backward, cpu, tuned,
                 {"avx512", avx512::backward, fits_backward_avx512},
                 {"avx2", avx2::backward, fits_backward_avx2});

}  // namespace lathe::kernels
#endif
