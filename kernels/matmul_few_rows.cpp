// Rows of matmul for AVX-512 and AVX2 where c has few rows, as in Linear's forward for small
// batches: c (M, N) = a (M, K) b (N, K)^T. Then the product is bound by reading b, which these rows
// read once.
#include "kernels/matmul.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include "kernels/cpu_features.h"
#include "kernels/scratch.h"
#include "tensor/parallel.h"

namespace lathe::kernels {
namespace {

constexpr int64_t grain = 1 << 14;

// Their order is their meaning.
// clang-format off
namespace avx512 {
#include "kernels/simd_avx512.inc"
#include "kernels/matmul_few_rows.inc"
#include "kernels/simd_end.inc"
}  // namespace avx512

namespace avx2 {
#include "kernels/simd_avx2.inc"
#include "kernels/matmul_few_rows.inc"
#include "kernels/simd_end.inc"
}  // namespace avx2
// clang-format on

Fit fits_few_rows(const Tensor& c, MatmulOptions options) {
  if (c.dtype() != DType::f32 && c.dtype() != DType::f64) return "needs f32 or f64";
  if (options.transpose_a || !options.transpose_b) return "needs b, and only b, transposed";
  if (c.rank() != 2) return "needs matrices, no batch of them";
  return c.dim(0) <= 64 ? Fit() : "needs at most 64 rows";
}
Fit fits_avx512(Tensor& c, const Tensor&, const Tensor&, const Tensor&, MatmulOptions options) {
  return has_avx512() ? fits_few_rows(c, options) : "needs AVX-512";
}
Fit fits_avx2(Tensor& c, const Tensor&, const Tensor&, const Tensor&, MatmulOptions options) {
  return has_avx2() ? fits_few_rows(c, options) : "needs AVX2";
}

}  // namespace

REGISTER_KERNELS(matmul, cpu, special, {"few_rows_avx512", avx512::matmul, fits_avx512},
                 {"few_rows_avx2", avx2::matmul, fits_avx2});

}  // namespace lathe::kernels
#endif
