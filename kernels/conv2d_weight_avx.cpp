// The gradient of a convolution's weight on the CPU, for AVX2 in f32 and f64: for each tap (r, s) a
// product of matrices whose sums run over positions,
//   dw[o, r, s, c] = sum over n, p, q of dy[n, p, q, o] x[n, p u + r d - top, q v + s e - left, c].
// A tile of 6 filters by 2 vectors of channels stays in registers while some hundred positions
// pass. The pixels that they see are copied into a panel of as many channels, with zeros around,
// which stays in the second-level cache while all taps and filters read it; a tap is a distance in
// it. Threads share tiles, so each element is summed by one, in an order that does not depend on
// their number.
#if defined(__x86_64__)
#include <immintrin.h>

#include "kernels/ceil_div.h"
#include "kernels/conv2d_rows.h"
#include "kernels/cpu_features.h"
#include "kernels/reduce.h"
#include "kernels/scratch.h"

namespace lathe::kernels {
namespace {

constexpr int64_t vector_bytes = 64;        // of a tile: two vectors
constexpr int64_t panel_bytes = 128 << 10;  // in the second-level cache

/// Whole images, or some rows of one: positions that lie side by side in dy.
struct Chunk {
  int64_t first_image, images, first_row, rows_of_image;  // of dy
  int64_t image_rows, rows;                               // of the panel
  int64_t first_position, positions;
};

/// What is the same for all chunks.
struct Work {
  Conv2dExtents e;
  Conv2dShape k;
  int64_t taps;
  int64_t columns, column_step, row_step;  ///< of the panel
  int64_t blocks_together, images, rows_of_image, most_pixels, most_positions;

  Work(const Conv2dExtents& extents, const Conv2dShape& shape, int64_t lanes)
      : e(extents), k(shape) {
    taps = e.r * e.s;
    columns = e.s == 1 ? e.q : (e.q - 1) * k.stride_w + (e.s - 1) * k.dilation_w + 1;
    column_step = e.s == 1 ? 1 : k.stride_w;
    row_step = e.r == 1 ? 1 : k.stride_h;
    blocks_together = std::clamp<int64_t>(18 / taps, 1, ceil_div(e.c, lanes));
    const int64_t pixels = panel_bytes / vector_bytes / blocks_together;
    images = std::clamp<int64_t>(pixels / (image_rows(e.p) * columns), 1, e.n);
    rows_of_image = e.p;
    while (rows_of_image > 1 && image_rows(rows_of_image) * columns > pixels) --rows_of_image;
    if (rows_of_image < e.p) images = 1;
    most_pixels = images * image_rows(rows_of_image) * columns;
    most_positions = images * rows_of_image * e.q;
  }

  /// Rows of the panel that some rows of dy see.
  int64_t image_rows(int64_t rows) const {
    return e.r == 1 ? rows : (rows - 1) * k.stride_h + (e.r - 1) * k.dilation_h + 1;
  }
  /// The pixel of x that lies at a place of the panel; outside of x for a zero.
  int64_t pixel_row(const Chunk& chunk, int64_t row) const {
    const int64_t i = row % chunk.image_rows;
    return (e.r == 1 ? (chunk.first_row + i) * k.stride_h : chunk.first_row * k.stride_h + i) -
           k.pad_top;
  }
  int64_t pixel_column(int64_t column) const {
    return (e.s == 1 ? column * k.stride_w : column) - k.pad_left;
  }
  /// The distance of a tap's pixels from those of the first.
  int64_t tap_pixel(int64_t tap) const {
    return tap / e.s * k.dilation_h * columns + tap % e.s * k.dilation_w;
  }
  void find_offsets(int32_t* offsets, const Chunk& chunk, int64_t lanes) const {
    for (int64_t i = 0; i < chunk.images; ++i)
      for (int64_t p = 0; p < chunk.rows_of_image; ++p)
        for (int64_t q = 0; q < e.q; ++q)
          *offsets++ =
              int32_t(((i * chunk.image_rows + p * row_step) * columns + q * column_step) * lanes);
  }
  template <class F>
  void for_each_chunk(const F& f) const {
    for (int64_t n = 0; n < e.n; n += images)
      for (int64_t p = 0; p < e.p; p += rows_of_image) {
        const int64_t some = std::min(images, e.n - n), rows = std::min(rows_of_image, e.p - p);
        f(Chunk{n, some, p, rows, image_rows(rows), some * image_rows(rows), (n * e.p + p) * e.q,
                some * rows * e.q});
      }
  }
};

// Their order is their meaning.
// clang-format off
namespace avx2 {
#include "kernels/simd_avx2.inc"
#include "kernels/conv2d_weight_rows.inc"
#include "kernels/simd_end.inc"
}  // namespace avx2
// clang-format on

Fit fits(Tensor& dw, Tensor&, const Tensor& dy, const Tensor& x, Conv2dShape k) {
  const Fit type = fits_avx2(dw);
  if (!type) return type;
  if (dw.dtype() == DType::f32 && has_avx512()) return "needs f64, or a processor without AVX-512";
  if (k.groups != 1 || dw.dim(0) < 24 || dw.dim(3) < 16)
    return "needs one group, 24 filters and 16 channels";
  if (dw.dim(1) * dw.dim(2) == 1)
    return "needs a window of more than one pixel: others are products";
  return dy.numel() > 0 && x.numel() > 0 ? Fit() : "needs at least one element everywhere";
}

}  // namespace

REGISTER_KERNELS(conv2d_backward_weight, cpu, special, {"tiles_avx2", avx2::backward_weight, fits});

}  // namespace lathe::kernels
#endif
