// Images of another size. The first four filters are PIL's, byte for byte: shrinking widens the
// filter, so that every pixel of the source counts ("antialias"). The other three are OpenCV's
// (resize_opencv.h), equal but for the rounding of a few values in a thousand.
#pragma once

#include "data/image/image.h"

namespace lathe {

enum class Interpolation { nearest, bilinear, bicubic, lanczos, area, linear, cubic };

/// Throws Error(usage) for a side below 1 and for an image without pixels.
Image resize(const Image& image, int64_t width, int64_t height, Interpolation interpolation);

/// A part of that, and no more work than it takes: crop(resize(…), part).
Image resize(const Image& image, int64_t width, int64_t height, Interpolation interpolation,
             const Window& part);

}  // namespace lathe
