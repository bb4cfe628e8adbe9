// albumentations' GaussianBlur: OpenCV's sepFilter2D with a kernel of its own.
#pragma once

#include <vector>

#include "data/image/image.h"

namespace lathe {

/// exp(-x² / 2 sigma²) at whole x, with a sum of 1. `size` 0: twice 3.5 sigma, cut off, plus 1; an
/// even one grows by 1. A sigma of 0 leaves the middle alone.
std::vector<double> gaussian_kernel(double sigma, int64_t size);

/// The kernel along rows, then along columns, in f32; outside the image is mirrored.
Image blurred(const Image& image, const std::vector<double>& kernel);

}  // namespace lathe
