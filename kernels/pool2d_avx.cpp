// Max pooling on the CPU, rows for AVX-512 and AVX2: a vector of channels at a time, its largest
// elements and their places in registers. Bound by memory; results are the reference's to the bit.
#if defined(__x86_64__)
#include "kernels/pool2d.h"

#include <immintrin.h>

#include <cmath>
#include <cstring>

#include "kernels/cpu_features.h"
#include "tensor/parallel.h"

namespace lathe::kernels {
namespace {

constexpr int64_t grain = 1 << 14;  // elements of a result that are worth a thread

// Their order is their meaning.
// clang-format off
namespace avx512 {
#include "kernels/simd_avx512.inc"
#include "kernels/simd_places_avx512.inc"
#include "kernels/pool2d_rows.inc"
#include "kernels/simd_end.inc"
}  // namespace avx512

namespace avx2 {
#include "kernels/simd_avx2.inc"
#include "kernels/simd_places_avx2.inc"
#include "kernels/pool2d_rows.inc"
#include "kernels/simd_end.inc"
}  // namespace avx2
// clang-format on

Fit fits_byte(const Pool2dShape& shape) {
  return pool_index_type(shape) == DType::u8 ? Fit() : "needs windows of at most 256 elements";
}
Fit forward_avx512(Tensor& y, Tensor&, const Tensor&, Pool2dShape shape) {
  return fits_avx512(y) ? fits_byte(shape) : fits_avx512(y);
}
Fit forward_avx2(Tensor& y, Tensor&, const Tensor&, Pool2dShape shape) {
  return fits_avx2(y) ? fits_byte(shape) : fits_avx2(y);
}
Fit backward_avx512(Tensor& dx, const Tensor&, const Tensor&, Pool2dShape shape) {
  return fits_avx512(dx) ? fits_byte(shape) : fits_avx512(dx);
}
Fit backward_avx2(Tensor& dx, const Tensor&, const Tensor&, Pool2dShape shape) {
  return fits_avx2(dx) ? fits_byte(shape) : fits_avx2(dx);
}

}  // namespace

REGISTER_KERNELS(max_pool2d_forward, cpu, tuned, {"avx512", avx512::forward, forward_avx512},
                 {"avx2", avx2::forward, forward_avx2});
REGISTER_KERNELS(max_pool2d_backward, cpu, tuned, {"avx512", avx512::backward, backward_avx512},
                 {"avx2", avx2::backward, backward_avx2});

}  // namespace lathe::kernels
#endif
