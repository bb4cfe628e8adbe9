#include "data/transforms/pixels.h"

#include <algorithm>
#include <cmath>

#include "tensor/check.h"

namespace lathe {

void check_window(const char* op, int64_t width, int64_t height, const Window& window) {
  const bool inside = window.width >= 1 && window.height >= 1 && window.x >= 0 && window.y >= 0 &&
                      window.width <= width && window.height <= height &&
                      window.x <= width - window.width && window.y <= height - window.height;
  LATHE_CHECK(inside, op, ": expects a window inside the image of ", width, " x ", height, ", got ",
              window.width, " x ", window.height, " at ", window.x, ", ", window.y);
}

Image crop(const Image& image, const Window& window) {
  check_window("crop", image.width, image.height, window);
  const auto& [x, y, width, height] = window;
  Image part(width, height);
  for (int64_t row = 0; row < height; ++row)
    std::copy_n(image.row(y + row) + x * 3, width * 3, part.row(row));
  return part;
}

Image mirrored(const Image& image) {
  Image result(image.width, image.height);
  for (int64_t y = 0; y < image.height; ++y) {
    const uint8_t* from = image.row(y);
    uint8_t* to = result.row(y) + image.width * 3;
    for (int64_t x = 0; x < image.width; ++x, from += 3) {
      to -= 3;
      for (int channel = 0; channel < 3; ++channel) to[channel] = from[channel];
    }
  }
  return result;
}

Image upside_down(const Image& image) {
  Image result(image.width, image.height);
  for (int64_t y = 0; y < image.height; ++y)
    std::copy_n(image.row(image.height - 1 - y), image.width * 3, result.row(y));
  return result;
}

PixelScale::PixelScale(const std::array<float, 3>& mean, const std::array<float, 3>& deviation) {
  for (size_t channel = 0; channel < 3; ++channel) {
    LATHE_CHECK(std::isfinite(mean[channel]) && deviation[channel] > 0,
                "normalize: expects finite means and positive deviations, got ", mean[channel],
                " and ", deviation[channel], " for channel ", channel);
    for (int pixel = 0; pixel < 256; ++pixel)
      values_[channel][size_t(pixel)] =
          (float(pixel) / 255.0f - mean[channel]) / deviation[channel];
  }
}

void PixelScale::apply(const Image& image, float* to) const {
  const uint8_t* from = image.pixels.data();
  const float *const red = values_[0].data(), *const green = values_[1].data(),
                     *const blue = values_[2].data();
  for (int64_t i = image.width * image.height; i > 0; --i, from += 3, to += 3) {
    to[0] = red[from[0]];
    to[1] = green[from[1]];
    to[2] = blue[from[2]];
  }
}

}  // namespace lathe
