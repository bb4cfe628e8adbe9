// Rows of linear_backward_update for AVX-512 and AVX2.
#include "kernels/linear_update.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include <cstring>

#include "kernels/cpu_features.h"
#include "kernels/update_rules.h"
#include "tensor/parallel.h"

namespace lathe::kernels {
namespace {

constexpr int64_t grain = 1 << 14;

/// How many threads share the rows: those that have enough to do.
int parts_of(int64_t row_blocks, int64_t weights) {
  return int(std::clamp<int64_t>(std::min(weights / 8192, row_blocks), 1, num_threads()));
}

// Their order is their meaning.
// clang-format off
namespace avx512 {
#include "kernels/simd_avx512.inc"
#include "kernels/update_rules.inc"
#include "kernels/linear_update_rows.inc"
#include "kernels/simd_end.inc"
}  // namespace avx512

namespace avx2 {
#include "kernels/simd_avx2.inc"
#include "kernels/update_rules.inc"
#include "kernels/linear_update_rows.inc"
#include "kernels/simd_end.inc"
}  // namespace avx2
// clang-format on

}  // namespace

REGISTER_KERNELS(linear_backward_update, cpu, tuned,
                 {"avx512", avx512::linear_backward_update, fits_avx512},
                 {"avx2", avx2::linear_backward_update, fits_avx2});

}  // namespace lathe::kernels
#endif
