// Images moved, turned, sheared: by PIL's Image.transform, as torchvision's RandomAffine and
// RandomRotation use it on PIL images, and by OpenCV's warpAffine, as albumentations does.
#pragma once

#include <array>

#include "data/image/image.h"

namespace lathe {

/// (x, y) to (m[0] x + m[1] y + m[2], m[3] x + m[4] y + m[5]); pixels are at whole numbers for
/// OpenCV, and have their centres at halves for PIL.
using AffineMap = std::array<double, 6>;
/// Throws Error(usage) for a map that has none.
AffineMap inverse(const AffineMap& map);

/// Where torchvision's affine() looks a result's pixel up: the inverse of turning by `degrees`
/// (clockwise as one sees it), shearing by `shear` degrees along x and y, scaling and moving, all
/// about the middle of an image of width x height.
AffineMap torchvision_lookup(int64_t width, int64_t height, double degrees,
                             const std::array<double, 2>& translate, double scale,
                             const std::array<double, 2>& shear);

/// The same for PIL's rotate(), which torchvision's RandomRotation uses: anticlockwise, with sines
/// rounded to 15 places.
AffineMap pil_rotation_lookup(int64_t width, int64_t height, double degrees);
/// Where albumentations' ShiftScaleRotate moves pixels to: scaled along x and y and turned
/// anticlockwise about the middle, then moved by `shift`.
AffineMap shift_scale_rotate_map(int64_t width, int64_t height, const std::array<double, 2>& shift,
                                 const std::array<double, 2>& scale, double degrees);

/// PIL's transform by AFFINE and NEAREST: each pixel is that at lookup(pixel), or `fill`.
Image transform_nearest(const Image& image, const AffineMap& lookup, std::array<uint8_t, 3> fill);
/// The same by BILINEAR: between the four pixels around, in f64, cut off.
Image transform_bilinear(const Image& image, const AffineMap& lookup, std::array<uint8_t, 3> fill);
/// OpenCV's warpAffine with INTER_LINEAR and BORDER_CONSTANT: pixels move to map(pixel).
Image warp_linear(const Image& image, const AffineMap& map, std::array<uint8_t, 3> fill);

}  // namespace lathe
