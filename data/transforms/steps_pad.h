// Parameters of what is put around an image, which several steps take: torchvision's `padding`,
// `fill` and `padding_mode`, and albumentations' `border_mode`.
#pragma once

#include "data/transforms/step_parameters.h"

namespace lathe {

struct Padding {
  Margins margins;
  Border border = Border::constant;
  std::array<uint8_t, 3> fill = {0, 0, 0};

  bool empty() const { return margins.left + margins.top + margins.right + margins.bottom == 0; }
  Image around(const Image& image) const { return around(image, margins); }
  Image around(const Image& image, const Margins& others) const {
    return padded(image, others, border, fill);
  }
};

/// `padding`: one number, [left and right, top and bottom], or [left, top, right, bottom].
Padding take_padding(StepParameters& parameters);

/// albumentations' `border_mode`, as OpenCV's number or as its name in small letters.
Border take_border_mode(StepParameters& parameters);

}  // namespace lathe
