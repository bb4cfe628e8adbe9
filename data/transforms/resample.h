// The two passes of resize(), along rows and along columns, in whole numbers. A weight is a
// fixed-point number of 22 binary places; between the passes pixels are rounded to bytes. So every
// way of computing a pass gives the same bytes.
#pragma once

#include <algorithm>
#include <vector>

#include "data/transforms/resize.h"

namespace lathe::image {

constexpr int places = 22;        ///< of a weight, after the point
constexpr int taps_together = 4;  ///< a pixel's weights are filled up with zeros to a multiple
constexpr int64_t readable = 32;  ///< bytes after the last row of Rows, for whole vectors

/// Which pixels of a line make each pixel of the result, and by which weights.
struct Taps {
  int64_t in = 0, out = 0;
  int64_t each = 0;              ///< weights of an output pixel, zeros included
  std::vector<int32_t> first;    ///< (out) the first input pixel; first + each may pass the end
  std::vector<int32_t> weights;  ///< (out, each)
};
/// For the pixels begin to end - 1 of `out`.
Taps make_taps(int64_t in, int64_t out, int64_t begin, int64_t end, Interpolation interpolation);

/// Pixels with room to read and write whole vectors past each row's end.
struct Rows {
  Rows(int64_t width, int64_t height)
      : width(width),
        height(height),
        stride(width * 3 + readable),
        bytes(size_t(stride * height + readable)) {}
  uint8_t* row(int64_t y) { return bytes.data() + y * stride; }
  const uint8_t* row(int64_t y) const { return bytes.data() + y * stride; }

  int64_t width, height, stride;
  ReusedVector<uint8_t> bytes;
};

/// One instruction set's passes.
struct Passes {
  /// Reads as many rows as `to` has, from first_row on.
  void (*along_rows)(Rows& to, const Image& from, int64_t first_row, const Taps& taps);
  void (*along_columns)(Image& to, const Rows& from, const Taps& taps);
};
extern const Passes plain_passes;
/// Null where the processor has no AVX2.
const Passes* avx2_passes();

Image resample(const Image& image, int64_t width, int64_t height, Interpolation interpolation,
               const Window& part, const Passes& passes);

}  // namespace lathe::image
