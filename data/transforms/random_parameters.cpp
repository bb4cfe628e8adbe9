#include "data/transforms/random_parameters.h"

#include <algorithm>
#include <cmath>

namespace lathe {
namespace {

/// As Python rounds: halves to even.
int64_t rounded(double value) { return int64_t(std::nearbyint(value)); }

double log_uniform(const Range& range, Draws& draws) {
  return std::exp(draws.uniform(std::log(range.low), std::log(range.high)));
}

/// Marsaglia and Tsang, "A Simple Method for Generating Gamma Variables", 2000; the boost for
/// shapes below 1 is theirs too. Gives the logarithm, since small shapes give numbers near 0.
double draw_log_gamma(double shape, Draws& draws) {
  if (shape < 1) return draw_log_gamma(shape + 1, draws) + std::log(1 - draws.uniform()) / shape;
  const double d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = draws.normal(), root = 1 + c * x;
    if (root <= 0) continue;
    const double v = root * root * root;
    if (std::log(1 - draws.uniform()) < 0.5 * x * x + d - d * v + d * std::log(v))
      return std::log(d * v);
  }
}

}  // namespace

Window draw_crop(int64_t width, int64_t height, int64_t part_width, int64_t part_height,
                 Draws& draws) {
  const int64_t y = draws.below(height - part_height + 1);
  return {draws.below(width - part_width + 1), y, part_width, part_height};
}

Window draw_resized_crop(int64_t width, int64_t height, Range scale, Range ratio, Draws& draws) {
  const double area = double(width) * double(height);
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double target = area * draws.uniform(scale), aspect = log_uniform(ratio, draws);
    const int64_t w = rounded(std::sqrt(target * aspect)), h = rounded(std::sqrt(target / aspect));
    if (w > 0 && w <= width && h > 0 && h <= height) return draw_crop(width, height, w, h, draws);
  }
  int64_t w = width, h = height;
  const double whole = double(width) / double(height);
  if (whole < ratio.low) h = std::clamp<int64_t>(rounded(double(w) / ratio.low), 1, height);
  if (whole > ratio.high) w = std::clamp<int64_t>(rounded(double(h) * ratio.high), 1, width);
  return {(width - w) / 2, (height - h) / 2, w, h};
}

std::optional<Window> draw_erased(int64_t width, int64_t height, Range scale, Range ratio,
                                  Draws& draws) {
  const double area = double(width) * double(height);
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double target = area * draws.uniform(scale), aspect = log_uniform(ratio, draws);
    const int64_t h = rounded(std::sqrt(target * aspect)), w = rounded(std::sqrt(target / aspect));
    if (h >= height || w >= width) continue;
    if (h == 0 || w == 0) return std::nullopt;  // torchvision erases an empty part then
    return draw_crop(width, height, w, h, draws);
  }
  return std::nullopt;
}

Jitter draw_jitter(const std::array<std::optional<Range>, 4>& ranges, Draws& draws) {
  Jitter jitter = {draws.order(), {}};
  for (size_t i = 0; i < 4; ++i)
    if (ranges[i]) jitter.amounts[i] = draws.uniform(*ranges[i]);
  return jitter;
}

DrawnAffine draw_affine(const AffineRanges& ranges, int64_t width, int64_t height, Draws& draws) {
  const auto shift = [&](double share, int64_t side) {
    const double most = share * double(side);
    return std::nearbyint(draws.uniform(-most, most));
  };
  DrawnAffine drawn;
  drawn.degrees = draws.uniform(ranges.degrees);
  drawn.translate[0] = shift(ranges.translate[0], width);
  drawn.translate[1] = shift(ranges.translate[1], height);
  drawn.scale = draws.uniform(ranges.scale);
  for (size_t axis = 0; axis < 2; ++axis) drawn.shear[axis] = draws.uniform(ranges.shear[axis]);
  return drawn;
}

DrawnShiftScaleRotate draw_shift_scale_rotate(const ShiftScaleRotateRanges& ranges, int64_t width,
                                              int64_t height, Draws& draws) {
  DrawnShiftScaleRotate drawn;
  const int64_t sides[] = {width, height};
  for (size_t axis = 0; axis < 2; ++axis) {
    drawn.shift[axis] = std::trunc(draws.uniform(ranges.shift[axis]) * double(sides[axis]));
    drawn.scale[axis] = draws.uniform(ranges.scale);
  }
  drawn.degrees = draws.uniform(ranges.degrees);
  return drawn;
}

DrawnLight draw_light(Range brightness, Range contrast, Draws& draws) {
  const double factor = 1 + draws.uniform(contrast);
  return {factor, draws.uniform(brightness)};
}

std::array<double, 3> draw_hsv(const std::array<Range, 3>& ranges, Draws& draws) {
  std::array<double, 3> shifts;
  for (size_t i = 0; i < 3; ++i) shifts[i] = draws.uniform(ranges[i]);
  return shifts;
}

std::array<double, 3> draw_principal(double alpha, Draws& draws) {
  std::array<double, 3> amounts;
  for (double& amount : amounts) amount = alpha * draws.normal();
  return amounts;
}

DrawnBlur draw_blur(Range sigma, Range size, Draws& draws) {
  const double drawn = draws.uniform(sigma);
  return {drawn, draws.whole(int64_t(size.low), int64_t(size.high))};
}

size_t draw_choice(std::span<const double> weights, Draws& draws) {
  double sum = 0;
  for (const double weight : weights) sum += weight;
  double left = draws.uniform() * sum;
  size_t last = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] <= 0) continue;
    last = i;
    if (left < weights[i]) return i;
    left -= weights[i];
  }
  return last;
}

double draw_beta(double alpha, Draws& draws) {
  const double a = draw_log_gamma(alpha, draws), b = draw_log_gamma(alpha, draws);
  return 1 / (1 + std::exp(b - a));
}

}  // namespace lathe
