#include "data/transforms/affine.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "data/transforms/pixels.h"
#include "tensor/check.h"

namespace lathe {

AffineMap inverse(const AffineMap& m) {
  const double determinant = m[0] * m[4] - m[1] * m[3];
  LATHE_CHECK(determinant != 0 && std::isfinite(determinant),
              "affine: expects a map that can be undone, its determinant is ", determinant);
  const double a = m[4] / determinant, b = -m[1] / determinant, d = -m[3] / determinant,
               e = m[0] / determinant;
  return {a, b, -a * m[2] - b * m[5], d, e, -d * m[2] - e * m[5]};
}

// With c the middle, t the translation, R the rotation, S the shear and k the scale, pixels move by
// T(t) C(c) R S k C(-c); this is its inverse (torchvision's _get_inverse_affine_matrix).
AffineMap torchvision_lookup(int64_t width, int64_t height, double degrees,
                             const std::array<double, 2>& translate, double scale,
                             const std::array<double, 2>& shear) {
  LATHE_CHECK(scale > 0, "affine: expects a scale above 0, got ", scale);
  constexpr double radian = std::numbers::pi / 180;
  const double turn = degrees * radian, along_x = shear[0] * radian, along_y = shear[1] * radian;
  const double a = std::cos(turn - along_y) / std::cos(along_y),
               b = -std::cos(turn - along_y) * std::tan(along_x) / std::cos(along_y) -
                   std::sin(turn),
               c = std::sin(turn - along_y) / std::cos(along_y),
               d = -std::sin(turn - along_y) * std::tan(along_x) / std::cos(along_y) +
                   std::cos(turn);
  const double middle_x = double(width) * 0.5, middle_y = double(height) * 0.5,
               x = -middle_x - translate[0], y = -middle_y - translate[1];
  AffineMap m = {d / scale, -b / scale, 0, -c / scale, a / scale, 0};
  m[2] = m[0] * x + m[1] * y + middle_x;
  m[5] = m[3] * x + m[4] * y + middle_y;
  return m;
}

AffineMap pil_rotation_lookup(int64_t width, int64_t height, double degrees) {
  degrees = std::fmod(degrees, 360);
  const double angle = -(degrees < 0 ? degrees + 360 : degrees) * (std::numbers::pi / 180);
  const auto places = [](double x) { return std::nearbyint(x * 1e15) / 1e15; };
  const double c = places(std::cos(angle)), s = places(std::sin(angle));
  const double middle_x = double(width) / 2, middle_y = double(height) / 2;
  return {c,  s, c * -middle_x + s * -middle_y + middle_x,
          -s, c, -s * -middle_x + c * -middle_y + middle_y};
}

AffineMap shift_scale_rotate_map(int64_t width, int64_t height, const std::array<double, 2>& shift,
                                 const std::array<double, 2>& scale, double degrees) {
  const double turn = degrees * (std::numbers::pi / 180), c = std::cos(turn), s = std::sin(turn);
  const double middle_x = double(width) / 2 - 0.5, middle_y = double(height) / 2 - 0.5;
  const double a = c * scale[0], b = s * scale[1], d = -s * scale[0], e = c * scale[1];
  return {a, b, middle_x + shift[0] - a * middle_x - b * middle_y,
          d, e, middle_y + shift[1] - d * middle_x - e * middle_y};
}

namespace {

/// The coordinate of a row's pixels on one axis: PIL counts in 65536ths of a pixel where the map
/// turns or shears, and in f64 where it only scales.
struct Fixed {
  int64_t step_x, step_y, begin;
  Fixed(double along_x, double along_y, double offset)
      : step_x(fixed(along_x)),
        step_y(fixed(along_y)),
        begin(fixed(offset + along_x * 0.5 + along_y * 0.5)) {}
  static int64_t fixed(double value) {
    constexpr double most = 0x1p30;  // far outside of any image
    return int64_t(std::floor(std::clamp(value, -most, most) * 65536.0 + 0.5));
  }
  int64_t at(int64_t x, int64_t y) const { return (begin + x * step_x + y * step_y) >> 16; }
};

/// Positions on one axis where a map only scales, added up one by one as PIL does; -1 outside.
std::vector<int64_t> scaled_places(int64_t count, int64_t in, double step, double offset) {
  std::vector<int64_t> places;
  double at = offset + step * 0.5;
  for (int64_t i = 0; i < count; ++i, at += step) {
    places.push_back(at >= 0 && at < double(in) ? int64_t(at) : -1);
  }
  return places;
}

void copy_pixel(const Image& from, int64_t x, int64_t y, const std::array<uint8_t, 3>& fill,
                uint8_t* to) {
  const bool inside = x >= 0 && x < from.width && y >= 0 && y < from.height;
  std::copy_n(inside ? from.row(y) + x * 3 : fill.data(), 3, to);
}

}  // namespace

Image transform_nearest(const Image& image, const AffineMap& m, std::array<uint8_t, 3> fill) {
  Image result(image.width, image.height);
  uint8_t* to = result.pixels.data();
  if (m[1] == 0 && m[3] == 0) {
    const auto columns = scaled_places(image.width, image.width, m[0], m[2]),
               rows = scaled_places(image.height, image.height, m[4], m[5]);
    for (const int64_t row : rows)
      for (const int64_t column : columns) {
        copy_pixel(image, column, row, fill, to);
        to += 3;
      }
    return result;
  }
  const Fixed x_of(m[0], m[1], m[2]), y_of(m[3], m[4], m[5]);
  for (int64_t y = 0; y < image.height; ++y)
    for (int64_t x = 0; x < image.width; ++x, to += 3)
      copy_pixel(image, x_of.at(x, y), y_of.at(x, y), fill, to);
  return result;
}

Image transform_bilinear(const Image& image, const AffineMap& m, std::array<uint8_t, 3> fill) {
  Image result(image.width, image.height);
  uint8_t* to = result.pixels.data();
  const auto within = [](int64_t at, int64_t count) {
    return std::clamp<int64_t>(at, 0, count - 1);
  };
  for (int64_t y = 0; y < image.height; ++y)
    for (int64_t x = 0; x < image.width; ++x, to += 3) {
      const double middle_x = double(x) + 0.5, middle_y = double(y) + 0.5;
      const double from_x = m[0] * middle_x + m[1] * middle_y + m[2],
                   from_y = m[3] * middle_x + m[4] * middle_y + m[5];
      if (!(from_x >= 0 && from_x < double(image.width) && from_y >= 0 &&
            from_y < double(image.height))) {
        std::copy_n(fill.data(), 3, to);
        continue;
      }
      const double left = std::floor(from_x - 0.5), top = std::floor(from_y - 0.5);
      const double right_share = from_x - 0.5 - left, below_share = from_y - 0.5 - top;
      const int64_t x0 = within(int64_t(left), image.width),
                    x1 = within(int64_t(left) + 1, image.width);
      const uint8_t* above = image.row(within(int64_t(top), image.height));
      const uint8_t* below = image.row(within(int64_t(top) + 1, image.height));
      for (int64_t c = 0; c < 3; ++c) {
        const auto between = [](double a, double b, double share) { return a + (b - a) * share; };
        to[c] = uint8_t(between(between(above[x0 * 3 + c], above[x1 * 3 + c], right_share),
                                between(below[x0 * 3 + c], below[x1 * 3 + c], right_share),
                                below_share));
      }
    }
  return result;
}

Image warp_linear(const Image& image, const AffineMap& map, std::array<uint8_t, 3> fill) {
  const AffineMap back = inverse(map);
  std::array<float, 6> m;
  std::transform(back.begin(), back.end(), m.begin(), [](double value) { return float(value); });
  const auto within = [](float at) { return std::clamp(at, -0x1p30f, 0x1p30f); };
  const auto floored = [](float at) { return int64_t(at) - (float(int64_t(at)) > at); };
  Image result(image.width, image.height);
  uint8_t* to = result.pixels.data();
  for (int64_t y = 0; y < image.height; ++y)
    for (int64_t x = 0; x < image.width; ++x, to += 3) {
      const float from_x = within(m[0] * float(x) + m[1] * float(y) + m[2]),
                  from_y = within(m[3] * float(x) + m[4] * float(y) + m[5]);
      const int64_t left = floored(from_x), top = floored(from_y);
      const float right_share = from_x - float(left), below_share = from_y - float(top);
      const uint8_t* corners[4];
      for (int i = 0; i < 4; ++i) {
        const int64_t corner_x = left + i % 2, corner_y = top + i / 2;
        const bool inside =
            corner_x >= 0 && corner_x < image.width && corner_y >= 0 && corner_y < image.height;
        corners[i] = inside ? image.row(corner_y) + corner_x * 3 : fill.data();
      }
      for (int c = 0; c < 3; ++c) {
        const auto between = [](float a, float b, float share) { return a + share * (b - a); };
        const float above = between(corners[0][c], corners[1][c], right_share),
                    below = between(corners[2][c], corners[3][c], right_share);
        to[c] = rounded_byte(between(above, below, below_share));
      }
    }
  return result;
}

}  // namespace lathe
