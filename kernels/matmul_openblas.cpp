// The matrix product by OpenBLAS in f64, for which oneDNN has none: a call for each matrix of a
// batch, and a pass over c for the epilogue. In f32 it is nowhere the fastest.
#include <cblas.h>

#include <limits>

#include "kernels/epilogue.h"
#include "kernels/matmul.h"

namespace lathe::kernels {
namespace {

void matmul_openblas(Tensor& c, const Tensor& a, const Tensor& b, const Tensor& bias,
                     MatmulOptions options) {
  const MatmulShape s = matmul_shape(c, a, b, bias, options);
  const auto ta = options.transpose_a ? CblasTrans : CblasNoTrans,
             tb = options.transpose_b ? CblasTrans : CblasNoTrans;
  const int m = int(s.m), n = int(s.n), k = int(s.k);
  double* const to = c.data<double>();
  const double *const left = a.data<double>(), *const right = b.data<double>();
  for (int64_t i = 0; i < s.batch; ++i)
    cblas_dgemm(CblasRowMajor, ta, tb, m, n, k, 1, left + i * s.m * s.k,
                options.transpose_a ? m : k, right + i * s.k * s.n, options.transpose_b ? k : n, 0,
                to + i * s.m * s.n, n);
  apply_epilogue(to, bias ? bias.data<double>() : nullptr, s.batch * s.m, s.n,
                 options.epilogue == Epilogue::bias_relu);
}

Fit fits(Tensor& c, const Tensor& a, const Tensor& b, const Tensor& bias, MatmulOptions options) {
  if (c.dtype() != DType::f64) return "needs f64";
  const MatmulShape s = matmul_shape(c, a, b, bias, options);
  if (c.numel() == 0 || s.k == 0) return "needs at least one element everywhere";
  if (options.transpose_a || s.m < 16)
    return "needs 16 rows and a not transposed to be faster than our rows";
  constexpr int64_t most = std::numeric_limits<int>::max();
  return s.m <= most && s.n <= most && s.k <= most ? Fit() : "needs extents below 2^31";
}

}  // namespace

REGISTER_KERNELS(matmul, cpu, vendor, {"openblas", matmul_openblas, fits});

}  // namespace lathe::kernels
