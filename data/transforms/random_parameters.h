// What the random steps draw: each function gives the parameters of one application of a step, with
// the distribution of its original. The steps hand them to the functions of pixels.h, color.h,
// affine.h, …, which draw nothing. Tests compare the distributions (docs/images.md).
#pragma once

#include <array>
#include <optional>
#include <span>

#include "data/image/image.h"
#include "data/transforms/draws.h"

namespace lathe {

/// torchvision's RandomCrop: any place of a part of this size, all as likely.
Window draw_crop(int64_t width, int64_t height, int64_t part_width, int64_t part_height, Draws&);
/// torchvision's RandomResizedCrop: a part of `scale` of the area, width to height as `ratio`,
/// which is uniform in its logarithm; after ten failures the largest part in the middle within
/// `ratio`.
Window draw_resized_crop(int64_t width, int64_t height, Range scale, Range ratio, Draws&);
/// torchvision's RandomErasing; nothing after ten failures. `ratio` is height to width.
std::optional<Window> draw_erased(int64_t width, int64_t height, Range scale, Range ratio, Draws&);

/// torchvision's ColorJitter: brightness, contrast, saturation, hue, changed in this order; nothing
/// where one stays as it is.
struct Jitter {
  std::array<int, 4> order;
  std::array<std::optional<double>, 4> amounts;
};
Jitter draw_jitter(const std::array<std::optional<Range>, 4>& ranges, Draws&);

/// torchvision's RandomAffine. `translate`: the most along x and y, as a share of the side.
struct AffineRanges {
  Range degrees;
  std::array<double, 2> translate = {0, 0};
  Range scale = {1, 1};
  std::array<Range, 2> shear = {};
};
struct DrawnAffine {
  double degrees;
  std::array<double, 2> translate;  ///< whole pixels
  double scale;
  std::array<double, 2> shear;
};
DrawnAffine draw_affine(const AffineRanges& ranges, int64_t width, int64_t height, Draws&);

/// albumentations' ShiftScaleRotate, which scales the two axes apart. `shift`: shares of the side.
struct ShiftScaleRotateRanges {
  std::array<Range, 2> shift;
  Range scale, degrees;
};
struct DrawnShiftScaleRotate {
  std::array<double, 2> shift;  ///< whole pixels
  std::array<double, 2> scale;
  double degrees;
};
DrawnShiftScaleRotate draw_shift_scale_rotate(const ShiftScaleRotateRanges& ranges, int64_t width,
                                              int64_t height, Draws&);

/// albumentations' RandomBrightnessContrast: the factor, and what is added as a share of 255.
struct DrawnLight {
  double contrast, brightness;
};
DrawnLight draw_light(Range brightness, Range contrast, Draws&);
/// Its HueSaturationValue, HSV of OpenCV's bytes.
std::array<double, 3> draw_hsv(const std::array<Range, 3>& ranges, Draws&);
/// Its FancyPCA.
std::array<double, 3> draw_principal(double alpha, Draws&);
/// Its GaussianBlur; a size of 0 is left to sigma.
struct DrawnBlur {
  double sigma;
  int64_t size;
};
DrawnBlur draw_blur(Range sigma, Range size, Draws&);

/// Index i with a probability of weights[i] in their sum: albumentations' OneOf.
size_t draw_choice(std::span<const double> weights, Draws&);

/// Beta(alpha, alpha): the share of the first image where Mixup and CutMix mix two.
double draw_beta(double alpha, Draws&);

}  // namespace lathe
