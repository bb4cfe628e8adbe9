// Changes of colour, pixel by pixel. The first four are those of PIL's ImageEnhance and of
// torchvision's adjust_hue on PIL images: torchvision's ColorJitter. The others are albumentations'
// on OpenCV. All give their originals' bytes; docs/images.md says where these are odd.
#pragma once

#include "data/image/image.h"

namespace lathe {

/// From black (0) over the image itself (1) to brighter. Factors of this and the next two are 0 or
/// more.
Image adjust_brightness(const Image& image, double factor);
/// From the image's mean grey (0) over the image itself (1) to more contrast.
Image adjust_contrast(const Image& image, double factor);
/// From grey (0) over the image itself (1) to stronger colours.
Image adjust_saturation(const Image& image, double factor);
/// Turns all hues by `shift` of the circle, -0.5 to 0.5.
Image adjust_hue(const Image& image, double shift);

/// The weighted mean of a pixel's colours, in all three.
Image to_gray(const Image& image);
/// contrast * pixel + brightness: both as albumentations' RandomBrightnessContrast draws them,
/// contrast around 1, brightness in 255ths.
Image brightness_contrast(const Image& image, double contrast, double brightness);
/// Adds to hue (of 180), saturation and value (of 255); of the last two the whole part alone. Grey
/// pixels stay grey.
Image shift_hsv(const Image& image, double hue, double saturation, double value);

}  // namespace lathe
