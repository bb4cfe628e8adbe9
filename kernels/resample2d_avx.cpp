// Average pooling and resizing on the CPU, rows for AVX-512 and AVX2: the reference's sums, some
// vectors of channels at a time in registers.
#if defined(__x86_64__)
#include "kernels/resample2d.h"

#include <immintrin.h>

#include "kernels/cpu_features.h"
#include "kernels/scratch.h"
#include "tensor/parallel.h"

namespace lathe::kernels {
namespace {

constexpr int64_t grain = 1 << 14;      // elements that are worth a thread
constexpr int64_t tile_channels = 512;  // what a thread takes of a pixel

// Their order is their meaning.
// clang-format off
namespace avx512 {
#include "kernels/simd_avx512.inc"
#include "kernels/resample2d_rows.inc"
#include "kernels/simd_end.inc"
}  // namespace avx512

namespace avx2 {
#include "kernels/simd_avx2.inc"
#include "kernels/resample2d_rows.inc"
#include "kernels/simd_end.inc"
}  // namespace avx2
// clang-format on

}  // namespace

REGISTER_KERNELS(resample2d, cpu, tuned, {"avx512", avx512::resample, fits_avx512},
                 {"avx2", avx2::resample, fits_avx2});

}  // namespace lathe::kernels
#endif
