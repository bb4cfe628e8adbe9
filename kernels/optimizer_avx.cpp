// Rows of the optimiser steps for AVX-512 and AVX2. A step is bound by memory: one pass in which
// each weight and moment is read and written once and each gradient read once.
#if defined(__x86_64__)
#include <immintrin.h>

#include <cmath>

#include "kernels/cpu_features.h"
#include "kernels/optimizer.h"
#include "kernels/update_rules.h"
#include "tensor/parallel.h"

namespace lathe::kernels {
namespace {

constexpr int64_t grain = 1 << 14;

// Their order is their meaning.
// clang-format off
namespace avx512 {
#include "kernels/simd_avx512.inc"
#include "kernels/update_rules.inc"
#include "kernels/optimizer_rows.inc"
#include "kernels/simd_end.inc"
}  // namespace avx512

namespace avx2 {
#include "kernels/simd_avx2.inc"
#include "kernels/update_rules.inc"
#include "kernels/optimizer_rows.inc"
#include "kernels/simd_end.inc"
}  // namespace avx2
// clang-format on

// Of the norm's arguments the second says the type.
Fit fits_norm_avx512(Tensor&, const Tensor& grads) {
  return has_avx512() ? fits_f32_f64(grads) : "needs AVX-512";
}
Fit fits_norm_avx2(Tensor&, const Tensor& grads) {
  return has_avx2() ? fits_f32_f64(grads) : "needs AVX2";
}

}  // namespace

REGISTER_KERNELS(optimizer_step, cpu, tuned, {"avx512", avx512::optimizer_step, fits_avx512},
                 {"avx2", avx2::optimizer_step, fits_avx2});
REGISTER_KERNELS(gradient_norm, cpu, tuned, {"avx512", avx512::gradient_norm, fits_norm_avx512},
                 {"avx2", avx2::gradient_norm, fits_norm_avx2});

}  // namespace lathe::kernels
#endif
