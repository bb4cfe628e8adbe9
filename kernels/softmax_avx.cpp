// Rows of softmax and its logarithm for AVX-512 and AVX2: the reference's passes over a row with
// vectors, and exp by the polynomial of kernels/math.h, which compilers vectorise. A row's order of
// additions depends on its length alone.
#if defined(__x86_64__)
#include "kernels/softmax.h"

#include <immintrin.h>

#include "kernels/cpu_features.h"
#include "kernels/math.h"
#include "tensor/parallel.h"

namespace lathe::kernels {
namespace {

constexpr int64_t chunk = 256;  // exps that are made before they are added

// Their order is their meaning.
// clang-format off
namespace avx512 {
#include "kernels/simd_avx512.inc"
#if !defined(__clang__)
#pragma GCC target("avx512bw,avx512vl,prefer-vector-width=512")
#endif
#include "kernels/simd_sums.inc"
#include "kernels/softmax_rows.inc"
#include "kernels/simd_end.inc"
}  // namespace avx512

namespace avx2 {
#include "kernels/simd_avx2.inc"
#include "kernels/simd_sums.inc"
#include "kernels/softmax_rows.inc"
#include "kernels/simd_end.inc"
}  // namespace avx2
// clang-format on

}  // namespace

REGISTER_KERNELS(softmax_forward, cpu, tuned,
                 {"avx512", avx512::forward<avx512::SoftmaxForward>, fits_avx512},
                 {"avx2", avx2::forward<avx2::SoftmaxForward>, fits_avx2});
REGISTER_KERNELS(log_softmax_forward, cpu, tuned,
                 {"avx512", avx512::forward<avx512::LogSoftmaxForward>, fits_avx512},
                 {"avx2", avx2::forward<avx2::LogSoftmaxForward>, fits_avx2});
REGISTER_KERNELS(softmax_backward, cpu, tuned,
                 {"avx512", avx512::backward<avx512::SoftmaxBackward>, fits_avx512},
                 {"avx2", avx2::backward<avx2::SoftmaxBackward>, fits_avx2});
REGISTER_KERNELS(log_softmax_backward, cpu, tuned,
                 {"avx512", avx512::backward<avx512::LogSoftmaxBackward>, fits_avx512},
                 {"avx2", avx2::backward<avx2::LogSoftmaxBackward>, fits_avx2});

}  // namespace lathe::kernels
#endif
