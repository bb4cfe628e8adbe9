// What the processor at hand can execute. Rows for an instruction set ask here before they take a
// call, so that one program runs on every x86-64 machine.
#pragma once

#include "tensor/kernel.h"
#include "tensor/tensor.h"

namespace lathe::kernels {

#if defined(__x86_64__)
/// AVX2 and FMA.
inline bool has_avx2() {
  static const bool has = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return has;
}
/// AVX-512 F, DQ, BW and VL, which came together.
inline bool has_avx512() {
  static const bool has = has_avx2() && __builtin_cpu_supports("avx512f") &&
                          __builtin_cpu_supports("avx512dq") &&
                          __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
  return has;
}

inline Fit fits_f32_f64(const Tensor& x) {
  return x.dtype() == DType::f32 || x.dtype() == DType::f64 ? Fit() : "needs f32 or f64";
}
/// What fits rows in f32 and f64 for an instruction set, whatever their arguments are: the first
/// tensor says the type.
template <class... Rest>
Fit fits_avx512(Tensor& x, Rest...) {
  return has_avx512() ? fits_f32_f64(x) : "needs AVX-512";
}
template <class... Rest>
Fit fits_avx2(Tensor& x, Rest...) {
  return has_avx2() ? fits_f32_f64(x) : "needs AVX2";
}
#endif

}  // namespace lathe::kernels
