// Elementwise ops on the CPU, rows for AVX-512 and AVX2: the reference's loops, vectorised by the
// compiler (this file is compiled with -O3), writing past the caches where the result is large. The
// bits are the reference's (kernels/math.h says how), except for sums over rows.
#if defined(__x86_64__)
#include <immintrin.h>

#include <cmath>

#include "kernels/cpu_features.h"
#include "kernels/elementwise.h"
#include "kernels/streaming.h"
#include "tensor/parallel.h"

namespace lathe::kernels {
namespace {

/// Elements that are made before they are written, few enough that reading and writing alternate:
/// a sum of two large f32 arrays reached 0.95 of the copy bandwidth with 64, 0.83 with 256 and 0.65
/// with 1024.
constexpr int64_t chunk = 64, grain = 1 << 13;

template <class T>
T* elements(const Tensor& x) {
  return reinterpret_cast<T*>(x.raw());
}

// Their order is their meaning.
// clang-format off
namespace avx512 {
#include "kernels/simd_avx512.inc"
#if !defined(__clang__)
#pragma GCC target("avx512bw,avx512vl,prefer-vector-width=512")
#endif
#include "kernels/simd_stream.inc"
#include "kernels/elementwise_rows.inc"
#include "kernels/simd_end.inc"
}  // namespace avx512

namespace avx2 {
#include "kernels/simd_avx2.inc"
#include "kernels/simd_stream.inc"
#include "kernels/elementwise_rows.inc"
#include "kernels/simd_end.inc"
}  // namespace avx2
// clang-format on

Fit fits_dtype(const Tensor& x) {
  return x.dtype() == DType::f16 ? "needs f32, f64 or bf16" : Fit();
}
template <class Op>
Fit fits_unary_avx512(Tensor&, const Tensor& x, Op) {
  return has_avx512() ? fits_dtype(x) : "needs AVX-512 F, DQ, BW and VL";
}
template <class Op>
Fit fits_unary_avx2(Tensor&, const Tensor& x, Op) {
  return has_avx2() ? fits_dtype(x) : "needs AVX2";
}
template <class Op>
Fit fits_backward_avx512(Tensor& y, const Tensor& x, const Tensor&, Op op) {
  return fits_unary_avx512(y, x, op);
}
template <class Op>
Fit fits_backward_avx2(Tensor& y, const Tensor& x, const Tensor&, Op op) {
  return fits_unary_avx2(y, x, op);
}
template <class Op>
Fit fits_binary_avx512(Tensor& y, const Tensor& x, const Tensor&, const Tensor&, Op op) {
  return fits_unary_avx512(y, x, op);
}
template <class Op>
Fit fits_binary_avx2(Tensor& y, const Tensor& x, const Tensor&, const Tensor&, Op op) {
  return fits_unary_avx2(y, x, op);
}

constexpr Rank rank = Rank::tuned;

template <class Op>
void add_unary() {
  unary_forward<Op>.add(Device::cpu, rank,
                        {{"avx512", avx512::unary_forward_row<Op>, fits_unary_avx512<Op>},
                         {"avx2", avx2::unary_forward_row<Op>, fits_unary_avx2<Op>}});
  unary_backward<Op>.add(Device::cpu, rank,
                         {{"avx512", avx512::unary_backward_row<Op>, fits_backward_avx512<Op>},
                          {"avx2", avx2::unary_backward_row<Op>, fits_backward_avx2<Op>}});
}
template <class Op>
void add_binary() {
  binary_forward<Op>.add(Device::cpu, rank,
                         {{"avx512", avx512::binary_forward_row<Op>, fits_backward_avx512<Op>},
                          {"avx2", avx2::binary_forward_row<Op>, fits_backward_avx2<Op>}});
  binary_backward_b<Op>.add(Device::cpu, rank,
                            {{"avx512", avx512::binary_backward_b_row<Op>, fits_binary_avx512<Op>},
                             {"avx2", avx2::binary_backward_b_row<Op>, fits_binary_avx2<Op>}});
}
template <class Op>
void add_product() {
  binary_backward_a<Op>.add(Device::cpu, rank,
                            {{"avx512", avx512::binary_backward_a_row<Op>, fits_binary_avx512<Op>},
                             {"avx2", avx2::binary_backward_a_row<Op>, fits_binary_avx2<Op>}});
}
template <class... Unary, class... Binary, class... Products>
bool add_all(OpList<Unary...>, OpList<Binary...>, OpList<Products...>) {
  (add_unary<Unary>(), ...);
  (add_binary<Binary>(), ...);
  (add_product<Products>(), ...);
  return true;
}
[[maybe_unused]] const bool registered = add_all(UnaryOps{}, BinaryOps{}, ProductOps{});

}  // namespace
}  // namespace lathe::kernels
#endif
