// What is done to an image between its size and the model: a part of it, its mirror image, numbers.
#pragma once

#include <array>

#include "data/image/image.h"

namespace lathe {

/// Throws Error(usage) unless the window is inside an image of width x height; `op` is for the
/// message.
void check_window(const char* op, int64_t width, int64_t height, const Window& window);

/// The window has to be inside the image.
Image crop(const Image& image, const Window& window);
Image mirrored(const Image& image);  ///< left and right exchanged
Image upside_down(const Image& image);

/// (pixel / 255 - mean) / deviation of each channel, rounded as torchvision's ToTensor and
/// Normalize round: there are 256 results a channel, kept in a table.
class PixelScale {
 public:
  PixelScale(const std::array<float, 3>& mean, const std::array<float, 3>& deviation);
  /// `to` holds (height, width, 3) numbers.
  void apply(const Image& image, float* to) const;

 private:
  std::array<std::array<float, 256>, 3> values_;
};

}  // namespace lathe
