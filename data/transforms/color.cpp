#include "data/transforms/color.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "tensor/check.h"

namespace lathe {
namespace {

struct Pixel {
  int r, g, b;
};

/// The image with each pixel changed by f.
template <class F>
Image each_pixel(const Image& image, const F& f) {
  Image result(image.width, image.height);
  const uint8_t* from = image.pixels.data();
  uint8_t* to = result.pixels.data();
  for (int64_t i = image.width * image.height; i > 0; --i, from += 3, to += 3) {
    const Pixel p = f(Pixel{from[0], from[1], from[2]});
    to[0] = uint8_t(p.r);
    to[1] = uint8_t(p.g);
    to[2] = uint8_t(p.b);
  }
  return result;
}

/// The image with each byte changed by a table.
Image each_byte(const Image& image, const std::array<uint8_t, 256>& table) {
  Image result(image.width, image.height);
  std::transform(image.pixels.begin(), image.pixels.end(), result.pixels.begin(),
                 [&](uint8_t value) { return table[value]; });
  return result;
}

/// PIL's convert("L"): weights of ITU-R 601, in 65536ths.
int pil_gray(const Pixel& p) { return (p.r * 19595 + p.g * 38470 + p.b * 7471 + 0x8000) >> 16; }

/// PIL's blend of two bytes: between them cut off, beyond them within 0 to 255.
int blended(int from, int to, float factor) {
  const float value = float(from) + factor * float(to - from);
  return int(std::clamp(value, 0.0f, 255.0f));
}

void check_factor(const char* op, double factor) {
  LATHE_CHECK(factor >= 0 && std::isfinite(factor), op, ": expects a factor of 0 or more, got ",
              factor);
}

/// PIL's HSV, each of the three 0 to 255.
Pixel pil_hsv(const Pixel& p) {
  const int most = std::max({p.r, p.g, p.b}), least = std::min({p.r, p.g, p.b});
  if (most == least) return {0, 0, most};
  const float range = float(most - least);
  const float r = float(most - p.r) / range, g = float(most - p.g) / range,
              b = float(most - p.b) / range;
  // PIL's 2.0 and 4.0 make these sums ones of f64, which are rounded to f32 then.
  const float sextant = p.r == most   ? b - g
                        : p.g == most ? float(2.0 + double(r) - double(b))
                                      : float(4.0 + double(g) - double(r));
  const float hue = float(std::fmod(double(sextant) / 6.0 + 1.0, 1.0));
  return {std::clamp(int(double(hue) * 255.0), 0, 255),
          std::clamp(int(double(range / float(most)) * 255.0), 0, 255), most};
}

Pixel from_pil_hsv(const Pixel& hsv) {
  const auto& [hue, saturation, value] = hsv;
  if (saturation == 0) return {value, value, value};
  const float h = float(double(hue) * 6.0 / 255.0), s = float(double(saturation) / 255.0);
  const float sextant = std::floor(h), f = h - sextant;
  const auto part = [&](double share) {
    return std::clamp(int(std::round(float(double(value) * (1.0 - double(s) * share)))), 0, 255);
  };
  const int p = part(1), q = part(double(f)), t = part(1.0 - double(f));
  switch (int(sextant) % 6) {
    case 0:
      return {value, t, p};
    case 1:
      return {q, value, p};
    case 2:
      return {p, value, t};
    case 3:
      return {p, q, value};
    case 4:
      return {t, p, value};
    default:
      return {value, p, q};
  }
}

/// whole / i in 4096ths, rounded, for i from 1 to 255.
std::array<int, 256> quotients(double whole) {
  std::array<int, 256> all = {};
  for (int i = 1; i < 256; ++i) all[size_t(i)] = int(std::lrint(whole * 4096 / i));
  return all;
}

/// OpenCV's HSV of bytes: hue 0 to 179, by quotients of 12 binary places.
Pixel opencv_hsv(const Pixel& p) {
  const int most = std::max({p.r, p.g, p.b}), range = most - std::min({p.r, p.g, p.b});
  if (range == 0) return {0, 0, most};
  static const auto sixths = quotients(30), parts = quotients(255);
  const auto divided = [](int value, int quotient) { return (value * quotient + 2048) >> 12; };
  const int turned = p.r == most   ? p.g - p.b
                     : p.g == most ? p.b - p.r + 2 * range
                                   : p.r - p.g + 4 * range;
  const int hue = divided(turned, sixths[size_t(range)]);
  return {hue < 0 ? hue + 180 : hue, divided(range, parts[size_t(most)]), most};
}

/// OpenCV's way back, in f32. Its vectors cut results off, 32 pixels at a time; it rounds the rest
/// of a row, which is cut off here too.
Pixel from_opencv_hsv(const Pixel& hsv) {
  const float value = float(hsv.b) * (1.0f / 255), saturation = float(hsv.g) * (1.0f / 255);
  const float h = float(hsv.r) * (6.0f / 180), f = h - float(int(h));
  const float p = value * (1 - saturation), q = value * (1 - saturation * f),
              t = value * (1 - saturation * (1 - f));
  const auto pixel = [](float r, float g, float b) {
    const auto byte = [](float x) { return std::clamp(int(x * 255), 0, 255); };
    return Pixel{byte(r), byte(g), byte(b)};
  };
  switch (int(h) % 6) {
    case 0:
      return pixel(value, t, p);
    case 1:
      return pixel(q, value, p);
    case 2:
      return pixel(p, value, t);
    case 3:
      return pixel(p, q, value);
    case 4:
      return pixel(t, p, value);
    default:
      return pixel(value, p, q);
  }
}

}  // namespace

Image adjust_brightness(const Image& image, double factor) {
  check_factor("adjust_brightness", factor);
  std::array<uint8_t, 256> table;
  for (int i = 0; i < 256; ++i) table[size_t(i)] = uint8_t(blended(0, i, float(factor)));
  return each_byte(image, table);
}

Image adjust_contrast(const Image& image, double factor) {
  check_factor("adjust_contrast", factor);
  int64_t sum = 0;
  for (size_t i = 0; i < image.pixels.size(); i += 3)
    sum += pil_gray({image.pixels[i], image.pixels[i + 1], image.pixels[i + 2]});
  const int64_t count = std::max<int64_t>(image.width * image.height, 1);
  const int mean = int(double(sum) / double(count) + 0.5);
  std::array<uint8_t, 256> table;
  for (int i = 0; i < 256; ++i) table[size_t(i)] = uint8_t(blended(mean, i, float(factor)));
  return each_byte(image, table);
}

Image adjust_saturation(const Image& image, double factor) {
  check_factor("adjust_saturation", factor);
  return each_pixel(image, [f = float(factor)](const Pixel& p) {
    const int gray = pil_gray(p);
    return Pixel{blended(gray, p.r, f), blended(gray, p.g, f), blended(gray, p.b, f)};
  });
}

Image adjust_hue(const Image& image, double shift) {
  LATHE_CHECK(shift >= -0.5 && shift <= 0.5, "adjust_hue: expects a shift of -0.5 to 0.5, got ",
              shift);
  const int turn = int(shift * 255);  // torchvision cuts it off
  return each_pixel(image, [turn](const Pixel& p) {
    Pixel hsv = pil_hsv(p);
    hsv.r = (hsv.r + turn) & 255;
    return from_pil_hsv(hsv);
  });
}

Image to_gray(const Image& image) {
  return each_pixel(image, [](const Pixel& p) {
    const int gray = (p.r * 9798 + p.g * 19235 + p.b * 3735 + (1 << 14)) >> 15;
    return Pixel{gray, gray, gray};
  });
}

Image brightness_contrast(const Image& image, double contrast, double brightness) {
  std::array<uint8_t, 256> table;
  for (int i = 0; i < 256; ++i)
    table[size_t(i)] =
        uint8_t(std::clamp(float(i) * float(contrast) + float(brightness), 0.0f, 255.0f));
  return each_byte(image, table);
}

Image shift_hsv(const Image& image, double hue, double saturation, double value) {
  if (hue == 0 && saturation == 0 && value == 0) return image;
  const auto shifted = [](int x, double by) { return std::clamp(x + int(by), 0, 255); };
  std::array<int, 256> hues;
  for (int i = 0; i < 256; ++i) {
    const double turned = std::fmod(double(i) + hue, 180.0);
    hues[size_t(i)] = hue == 0 ? i : int(turned < 0 ? turned + 180 : turned);
  }
  return each_pixel(image, [&](const Pixel& p) {
    Pixel hsv = opencv_hsv(p);
    hsv.r = hues[size_t(hsv.r)];
    if (hsv.g != 0) hsv.g = shifted(hsv.g, saturation);
    hsv.b = shifted(hsv.b, value);
    return from_opencv_hsv(hsv);
  });
}

}  // namespace lathe
