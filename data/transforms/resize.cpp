// PIL's resampling, from its published description (Pillow's "Concepts: Filters") and the behaviour
// of its results: a pixel of the result is the weighted mean of the source around its centre, the
// filter stretched by the scale where the image shrinks; weights are normalised, then rounded.
#include "data/transforms/resize.h"

#include <cmath>
#include <cstring>
#include <numbers>

#include "data/transforms/pixels.h"
#include "data/transforms/resample.h"
#include "data/transforms/resize_opencv.h"
#include "tensor/check.h"

namespace lathe {
namespace image {
namespace {

struct Filter {
  double reach;  ///< zero from here on
  double (*value)(double);
};

double triangle(double x) { return std::max(0.0, 1 - std::abs(x)); }

/// Keys' cubic with a = -1/2.
double cubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

double sinc(double x) {
  if (x == 0) return 1;
  x *= std::numbers::pi;
  return std::sin(x) / x;
}
double lanczos(double x) { return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0; }

Filter filter_of(Interpolation interpolation) {
  if (interpolation == Interpolation::bicubic) return {2, cubic};
  if (interpolation == Interpolation::lanczos) return {3, lanczos};
  return {1, triangle};
}

int32_t fixed_point(double weight) {
  return int32_t(weight * (1 << places) + (weight < 0 ? -0.5 : 0.5));
}

/// The weights of one output pixel, and the first input pixel that they are for.
int32_t weights_at(int64_t x, double scale, int64_t in, const Filter& filter,
                   std::vector<double>& weights) {
  const double stretch = std::max(scale, 1.0), reach = filter.reach * stretch;
  const double center = (double(x) + 0.5) * scale, shrink = 1.0 / stretch;
  const int64_t first = std::max<int64_t>(int64_t(center - reach + 0.5), 0);
  const int64_t end = std::min(int64_t(center + reach + 0.5), in);
  weights.clear();
  double sum = 0;
  for (int64_t i = 0; i < end - first; ++i) {
    weights.push_back(filter.value((double(i + first) - center + 0.5) * shrink));
    sum += weights.back();
  }
  if (sum != 0)
    for (double& weight : weights) weight /= sum;
  return int32_t(first);
}

/// Steps are added up one by one, since PIL does so and the sum's rounding decides ties.
std::vector<int64_t> nearest_places(int64_t in, int64_t out) {
  const double step = double(in) / double(out);
  std::vector<int64_t> places(size_t(out), 0);
  double at = step * 0.5;
  for (int64_t& place : places) {
    place = std::min(int64_t(at), in - 1);
    at += step;
  }
  return places;
}

Image resize_nearest(const Image& image, int64_t width, int64_t height, const Window& part) {
  const auto columns = nearest_places(image.width, width);
  const auto rows = nearest_places(image.height, height);
  Image result(part.width, part.height);
  uint8_t* to = result.pixels.data();
  for (int64_t y = part.y; y < part.y + part.height; ++y)
    for (int64_t x = part.x; x < part.x + part.width; ++x, to += 3)
      std::memcpy(to, image.row(rows[size_t(y)]) + columns[size_t(x)] * 3, 3);
  return result;
}

}  // namespace

Taps make_taps(int64_t in, int64_t out, int64_t begin, int64_t end, Interpolation interpolation) {
  const Filter filter = filter_of(interpolation);
  const double scale = double(in) / double(out);
  Taps taps;
  taps.in = in;
  taps.out = end - begin;
  std::vector<std::vector<double>> exact(size_t(taps.out), std::vector<double>());
  size_t most = 0;
  for (int64_t i = 0; i < taps.out; ++i) {
    taps.first.push_back(weights_at(begin + i, scale, in, filter, exact[size_t(i)]));
    most = std::max(most, exact[size_t(i)].size());
  }
  taps.each = int64_t(most + taps_together - 1) / taps_together * taps_together;
  taps.weights.resize(size_t(taps.out * taps.each));
  for (int64_t i = 0; i < taps.out; ++i)
    std::transform(exact[size_t(i)].begin(), exact[size_t(i)].end(),
                   taps.weights.begin() + i * taps.each, fixed_point);
  return taps;
}

namespace {

Rows rows_of(const Image& image) {
  Rows rows(image.width, image.height);
  for (int64_t y = 0; y < image.height; ++y)
    std::memcpy(rows.row(y), image.row(y), size_t(image.width) * 3);
  return rows;
}

Image image_of(const Rows& rows) {
  Image image(rows.width, rows.height);
  for (int64_t y = 0; y < image.height; ++y)
    std::memcpy(image.row(y), rows.row(y), size_t(image.width) * 3);
  return image;
}

/// Pillow 13 begins with the columns where the height shrinks much more than the width, which is
/// less work; earlier ones began with the rows. In between pixels are rounded: the order shows.
bool columns_first(const Image& image, int64_t width, int64_t height) {
  return height < image.height && image.height - height > 2 * (image.width - width);
}

}  // namespace

Image resample(const Image& image, int64_t width, int64_t height, Interpolation interpolation,
               const Window& part, const Passes& passes) {
  Taps down = make_taps(image.height, height, part.y, part.y + part.height, interpolation);
  const Taps across = make_taps(image.width, width, part.x, part.x + part.width, interpolation);
  if (columns_first(image, width, height)) {
    Image low(image.width, part.height);
    passes.along_columns(low, rows_of(image), down);
    Rows result(part.width, part.height);
    passes.along_rows(result, low, 0, across);
    return image_of(result);
  }
  const int64_t first = down.first.front();
  const int64_t end = std::min(down.first.back() + down.each, image.height);
  Rows narrow(part.width, end - first);
  passes.along_rows(narrow, image, first, across);
  for (int32_t& row : down.first) row -= int32_t(first);
  down.in = end - first;
  Image result(part.width, part.height);
  passes.along_columns(result, narrow, down);
  return result;
}

}  // namespace image

Image resize(const Image& image, int64_t width, int64_t height, Interpolation interpolation,
             const Window& part) {
  constexpr int64_t longest = 1 << 24, most_pixels = int64_t(1) << 30;
  LATHE_CHECK(width >= 1 && height >= 1 && width <= longest && height <= most_pixels / width,
              "resize: expects sides of at least 1 and at most ", most_pixels, " pixels, got ",
              width, " x ", height);
  LATHE_CHECK(image.width >= 1 && image.height >= 1, "resize: expects an image with pixels");
  check_window("resize", width, height, part);
  if (width == image.width && height == image.height) return crop(image, part);
  if (interpolation == Interpolation::nearest)
    return image::resize_nearest(image, width, height, part);
  if (interpolation >= Interpolation::area)
    return image::resize_opencv(image, width, height, interpolation, part);
  static const image::Passes& passes =
      image::avx2_passes() ? *image::avx2_passes() : image::plain_passes;
  return image::resample(image, width, height, interpolation, part, passes);
}

Image resize(const Image& image, int64_t width, int64_t height, Interpolation interpolation) {
  return resize(image, width, height, interpolation, {0, 0, width, height});
}

}  // namespace lathe
