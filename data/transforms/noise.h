// albumentations' GaussNoise and FancyPCA, with what they add given.
#pragma once

#include <array>
#include <span>

#include "data/image/image.h"

namespace lathe {

/// Each value plus its noise (in 255ths), which albumentations cuts off to a whole number first.
Image noisy(const Image& image, std::span<const float> noise);

/// Pixels moved along the principal axes of the image's own colours, in proportion to their
/// distance from the mean colour: x + V diag(amounts * eigenvalues) (x - mean), colours 0 to 1, the
/// greatest eigenvalue first. The signs of V's columns are open; here each column's largest number
/// is positive, in albumentations they are as LAPACK leaves them. As amounts are drawn, both signs
/// are as likely.
Image fancy_pca(const Image& image, const std::array<double, 3>& amounts);

}  // namespace lathe
