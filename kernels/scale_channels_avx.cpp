// A factor for each channel of each image, rows for AVX-512 and AVX2. The backward goes over an
// image once, some vectors of channels at a time, whose sums stay in registers.
#if defined(__x86_64__)
#include "kernels/scale_channels.h"

#include <immintrin.h>

#include "kernels/cpu_features.h"
#include "tensor/parallel.h"

namespace lathe::kernels {
namespace {

constexpr int64_t grain = 1 << 14;

// Their order is their meaning.
// clang-format off
namespace avx512 {
#include "kernels/simd_avx512.inc"
#include "kernels/scale_channels_rows.inc"
#include "kernels/simd_end.inc"
}  // namespace avx512

namespace avx2 {
#include "kernels/simd_avx2.inc"
#include "kernels/scale_channels_rows.inc"
#include "kernels/simd_end.inc"
}  // namespace avx2
// clang-format on

}  // namespace

REGISTER_KERNELS(scale_channels_forward, cpu, tuned, {"avx512", avx512::forward, fits_avx512},
                 {"avx2", avx2::forward, fits_avx2});
REGISTER_KERNELS(scale_channels_backward, cpu, tuned, {"avx512", avx512::backward, fits_avx512},
                 {"avx2", avx2::backward, fits_avx2});

}  // namespace lathe::kernels
#endif
