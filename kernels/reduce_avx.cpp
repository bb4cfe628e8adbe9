// Rows of the sums for AVX-512 and AVX2. A sum is bound by memory, but the reference's additions
// wait for each other: a compiler may not change their order, and these rows do. Their order
// depends on the shape alone, so any number of threads gives the same bytes.
#if defined(__x86_64__)
#include <immintrin.h>

#include "kernels/chunked_sum.h"
#include "kernels/cpu_features.h"
#include "kernels/reduce.h"
#include "kernels/scratch.h"

namespace lathe::kernels {
namespace {

constexpr int64_t grain = 1 << 14;
constexpr int64_t tile = 1024;  // columns whose sums stay in the first cache

int64_t grain_of(int64_t columns) { return columns < grain ? grain / (columns + 1) + 1 : 1; }

// Their order is their meaning.
// clang-format off
namespace avx512 {
#include "kernels/simd_avx512.inc"
#if !defined(__clang__)
#pragma GCC target("prefer-vector-width=512")
#endif
#include "kernels/simd_sums.inc"
#include "kernels/reduce_rows.inc"
#include "kernels/simd_end.inc"
}  // namespace avx512

namespace avx2 {
#include "kernels/simd_avx2.inc"
#include "kernels/simd_sums.inc"
#include "kernels/reduce_rows.inc"
#include "kernels/simd_end.inc"
}  // namespace avx2
// clang-format on

}  // namespace

REGISTER_KERNELS(sum_rows, cpu, tuned, {"avx512", avx512::sum_rows, fits_avx512},
                 {"avx2", avx2::sum_rows, fits_avx2});
REGISTER_KERNELS(sum_columns, cpu, tuned, {"avx512", avx512::sum_columns, fits_avx512},
                 {"avx2", avx2::sum_columns, fits_avx2});

}  // namespace lathe::kernels
#endif
