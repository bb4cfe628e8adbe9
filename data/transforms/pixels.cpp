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

Image padded(const Image& image, const Margins& margins, Border border,
             const std::array<uint8_t, 3>& fill) {
  const auto& [left, top, right, bottom] = margins;
  constexpr int64_t most = 100'000;
  LATHE_CHECK(std::min({left, top, right, bottom}) >= 0 &&
                  std::max({left, top, right, bottom}) <= most && image.width >= 1 &&
                  image.height >= 1,
              "pad: expects an image with pixels and margins from 0 to ", most, ", got ", left,
              ", ", top, ", ", right, ", ", bottom);
  Image result(image.width + left + right, image.height + top + bottom);
  for (int64_t y = 0; y < result.height; ++y) {
    const int64_t from_y = border_index(y - top, image.height, border);
    const auto copy = [&](int64_t begin, int64_t end) {
      for (int64_t x = begin; x < end; ++x) {
        const int64_t from_x = border_index(x - left, image.width, border);
        const bool inside = from_x >= 0 && from_y >= 0;
        std::copy_n(inside ? image.row(from_y) + from_x * 3 : fill.data(), 3,
                    result.row(y) + x * 3);
      }
    };
    if (from_y < 0) {
      copy(0, result.width);
      continue;
    }
    copy(0, left);
    std::copy_n(image.row(from_y), image.width * 3, result.row(y) + left * 3);
    copy(left + image.width, result.width);
  }
  return result;
}

Image pasted(Image image, const Image& part, int64_t x, int64_t y) {
  check_window("paste", image.width, image.height, {x, y, part.width, part.height});
  for (int64_t row = 0; row < part.height; ++row)
    std::copy_n(part.row(row), part.width * 3, image.row(y + row) + x * 3);
  return image;
}

namespace {

template <class T>
std::array<std::array<T, 256>, 3> scale_table(const std::array<double, 3>& mean,
                                              const std::array<double, 3>& deviation) {
  std::array<std::array<T, 256>, 3> table;
  for (size_t channel = 0; channel < 3; ++channel)
    for (int pixel = 0; pixel < 256; ++pixel)
      table[channel][size_t(pixel)] =
          (T(pixel) / T(255) - T(mean[channel])) / T(deviation[channel]);
  return table;
}

template <class T>
void look_up(const std::array<std::array<T, 256>, 3>& table, const Image& image, T* to) {
  const uint8_t* from = image.pixels.data();
  const T *const red = table[0].data(), *const green = table[1].data(),
                 *const blue = table[2].data();
  for (int64_t i = image.width * image.height; i > 0; --i, from += 3, to += 3) {
    to[0] = red[from[0]];
    to[1] = green[from[1]];
    to[2] = blue[from[2]];
  }
}

}  // namespace

PixelScale::PixelScale(const std::array<double, 3>& mean, const std::array<double, 3>& deviation) {
  for (size_t channel = 0; channel < 3; ++channel)
    LATHE_CHECK(std::isfinite(mean[channel]) && deviation[channel] > 0,
                "normalize: expects finite means and positive deviations, got ", mean[channel],
                " and ", deviation[channel], " for channel ", channel);
  singles_ = scale_table<float>(mean, deviation);
  doubles_ = scale_table<double>(mean, deviation);
}

void PixelScale::apply(const Image& image, float* to) const { look_up(singles_, image, to); }
void PixelScale::apply(const Image& image, double* to) const { look_up(doubles_, image, to); }

}  // namespace lathe
