// OpenCV's filters of resize(), which albumentations uses. They look at the nearest pixels only,
// however much an image shrinks; `area` alone counts every pixel.
#pragma once

#include "data/transforms/resize.h"

namespace lathe::image {

/// A part of the image at a size of width x height, by area, linear or cubic.
Image resize_opencv(const Image& image, int64_t width, int64_t height, Interpolation interpolation,
                    const Window& part);

}  // namespace lathe::image
