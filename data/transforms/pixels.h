// What is done to an image between its size and the model: a part of it, its mirror image, numbers.
#pragma once

#include <algorithm>
#include <array>

#include "data/image/image.h"
#include "data/transforms/border.h"

namespace lathe {

/// Throws Error(usage) unless the window is inside an image of width x height; `op` is for the
/// message.
void check_window(const char* op, int64_t width, int64_t height, const Window& window);

/// The window has to be inside the image.
Image crop(const Image& image, const Window& window);
Image mirrored(const Image& image);  ///< left and right exchanged
Image upside_down(const Image& image);

struct Margins {
  int64_t left = 0, top = 0, right = 0, bottom = 0;
};
/// The image with margins around it, of `fill` where the border is constant.
Image padded(const Image& image, const Margins& margins, Border border,
             const std::array<uint8_t, 3>& fill);
/// The image with another one laid upon it, its upper left corner at x, y; it has to fit.
Image pasted(Image image, const Image& part, int64_t x, int64_t y);

/// The nearest whole number, halves to even, within 0 to 255; of numbers below 2^22. The sum leaves
/// no place after the point, so the processor rounds; std::lrint would be a call for each.
inline uint8_t rounded_byte(float value) {
  constexpr float whole = 0x1.8p23f;
  return uint8_t(std::clamp(int((value + whole) - whole), 0, 255));
}

/// (pixel / 255 - mean) / deviation of each channel, rounded as torchvision's ToTensor and
/// Normalize round, in f32 or in f64: there are 256 results a channel, kept in tables.
class PixelScale {
 public:
  PixelScale(const std::array<double, 3>& mean, const std::array<double, 3>& deviation);
  /// `to` holds (height, width, 3) numbers.
  void apply(const Image& image, float* to) const;
  void apply(const Image& image, double* to) const;

 private:
  template <class T>
  using Table = std::array<std::array<T, 256>, 3>;
  Table<float> singles_;
  Table<double> doubles_;
};

}  // namespace lathe
