// Other sizes of images, differentiably: torch.nn.functional.interpolate without antialias.
#pragma once

#include "layers/image.h"

namespace lathe {

enum class ResizeMode { nearest, bilinear };

/// x (N, H, W, C) at another size. align_corners, for bilinear: the corners' pixels keep their
/// values, where by default the pictures' edges lie on each other.
Tensor resize(const Tensor& x, Size2 size, ResizeMode mode = ResizeMode::nearest,
              bool align_corners = false);

}  // namespace lathe
