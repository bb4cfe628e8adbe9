// What cv::resize (OpenCV 5.0) does with 8-bit images, found by comparing results (docs/images.md).
//   linear  two neighbours a side; weights of 11 binary places, whole numbers throughout
//   cubic   four neighbours, Keys' cubic with a = -3/4, in f32
//   area    the mean of the area that a pixel covers, in f32; of whole pixels, in whole numbers.
//           Where a side grows, linear with other weights: pixels keep hard edges
#include "data/transforms/resize_opencv.h"

#include <algorithm>
#include <cmath>

#include "data/transforms/pixels.h"

namespace lathe::image {
namespace {

/// A pixel's two neighbours on an axis.
struct Neighbours {
  int64_t first, second;
  int32_t weight_first, weight_second;  ///< in 2048ths
};

/// `cells`: of area, where pixels of the source are cells with edges instead of points.
std::vector<Neighbours> neighbours(int64_t in, int64_t out, int64_t begin, int64_t end,
                                   bool cells) {
  const double scale = double(in) / double(out);
  std::vector<Neighbours> all;
  for (int64_t i = begin; i < end; ++i) {
    int64_t at = int64_t(std::floor(double(i) * scale));
    float share = float(double(i + 1) - double(at + 1) / scale);
    share = share <= 0 ? 0 : share - std::floor(share);
    if (!cells) {
      const float place = float((double(i) + 0.5) * scale - 0.5);
      at = int64_t(std::floor(place));
      share = place - float(at);
    }
    if (at < 0 || at >= in - 1) share = 0;
    at = std::clamp<int64_t>(at, 0, in - 1);
    all.push_back({at, std::min(at + 1, in - 1), int32_t(std::lrintf((1 - share) * 2048)),
                   int32_t(std::lrintf(share * 2048))});
  }
  return all;
}

/// Rows of the source, narrowed by `narrow(to, row)`: the last few are kept, since neighbours share
/// them.
template <class T, int kept, class Narrow>
class NarrowRows {
 public:
  NarrowRows(int64_t size, Narrow narrow) : narrow_(std::move(narrow)) {
    for (auto& row : rows_) row.resize(size_t(size));
    std::fill_n(held_, kept, -1);
  }
  const T* at(int64_t row) {
    const size_t place = size_t(row % kept);
    if (held_[place] != row) narrow_(rows_[place].data(), row);
    held_[place] = row;
    return rows_[place].data();
  }

 private:
  Narrow narrow_;
  ReusedVector<T> rows_[kept];
  int64_t held_[kept];
};

template <class T, int kept, class Narrow>
NarrowRows<T, kept, Narrow> narrow_rows(int64_t size, Narrow narrow) {
  return {size, std::move(narrow)};
}

Image resize_linear(const Image& image, int64_t width, int64_t height, bool cells,
                    const Window& part) {
  const auto columns = neighbours(image.width, width, part.x, part.x + part.width, cells),
             rows = neighbours(image.height, height, part.y, part.y + part.height, cells);
  Image result(part.width, part.height);
  auto narrow = narrow_rows<int32_t, 2>(part.width * 3, [&](int32_t* to, int64_t row) {
    const uint8_t* const from = image.row(row);
    for (const Neighbours& n : columns)
      for (int64_t c = 0; c < 3; ++c)
        *to++ = from[n.first * 3 + c] * n.weight_first + from[n.second * 3 + c] * n.weight_second;
  });
  for (int64_t y = 0; y < part.height; ++y) {
    const Neighbours& n = rows[size_t(y)];
    const int32_t *const above = narrow.at(n.first), *const below = narrow.at(n.second);
    uint8_t* const to = result.row(y);
    for (int64_t i = 0; i < part.width * 3; ++i)  // of 22 places, 20 go before the sum
      to[i] = uint8_t((((above[i] >> 4) * n.weight_first >> 16) +
                       ((below[i] >> 4) * n.weight_second >> 16) + 2) >>
                      2);
  }
  return result;
}

/// Any number of pixels on an axis, and their weights.
struct Weighted {
  std::vector<int64_t> at;
  std::vector<float> weights;
  void add(int64_t pixel, double weight) {
    at.push_back(pixel);
    weights.push_back(float(weight));
  }
};

Weighted cubic_weights(int64_t i, double scale, int64_t in) {
  constexpr float a = -0.75f;
  const float place = float((double(i) + 0.5) * scale - 0.5), floor = std::floor(place),
              x = place - floor;
  const auto near = [](float d) { return ((a + 2) * d - (a + 3)) * d * d + 1; };  // d <= 1
  const auto far = [](float d) { return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a; };
  const float w[4] = {far(x + 1), near(x), near(1 - x), 1 - far(x + 1) - near(x) - near(1 - x)};
  Weighted taps;
  for (int64_t k = 0; k < 4; ++k)
    taps.add(std::clamp<int64_t>(int64_t(floor) - 1 + k, 0, in - 1), w[k]);
  return taps;
}

/// The pixels that [i, i + 1) scale covers; what is covered by less than a thousandth is left out.
Weighted area_weights(int64_t i, double scale, int64_t in) {
  constexpr double least = 1e-3;
  const double begin = double(i) * scale, end = begin + scale,
               covered = std::min(scale, double(in) - begin);
  const int64_t last = std::min(int64_t(std::floor(end)), in - 1),
                first = std::min(int64_t(std::ceil(begin)), last);
  Weighted taps;
  if (double(first) - begin > least) taps.add(first - 1, (double(first) - begin) / covered);
  for (int64_t k = first; k < last; ++k) taps.add(k, 1 / covered);
  const double rest = std::min({end - double(last), 1.0, covered});
  if (end - double(last) > least) taps.add(last, rest / covered);
  return taps;
}

using WeightsOf = Weighted (*)(int64_t i, double scale, int64_t in);

std::vector<Weighted> all_weights(WeightsOf weights, int64_t in, int64_t out, int64_t begin,
                                  int64_t end) {
  std::vector<Weighted> all;
  for (int64_t i = begin; i < end; ++i) all.push_back(weights(i, double(in) / double(out), in));
  return all;
}

Image resize_weighted(const Image& image, int64_t width, int64_t height, WeightsOf weights,
                      const Window& part) {
  const auto columns = all_weights(weights, image.width, width, part.x, part.x + part.width),
             rows = all_weights(weights, image.height, height, part.y, part.y + part.height);
  auto narrow = narrow_rows<float, 4>(part.width * 3, [&](float* to, int64_t row) {
    for (const Weighted& taps : columns) {
      float red = 0, green = 0, blue = 0;
      for (size_t k = 0; k < taps.at.size(); ++k) {
        const uint8_t* const from = image.row(row) + taps.at[k] * 3;
        red += taps.weights[k] * from[0];
        green += taps.weights[k] * from[1];
        blue += taps.weights[k] * from[2];
      }
      *to++ = red;
      *to++ = green;
      *to++ = blue;
    }
  });
  Image result(part.width, part.height);
  ReusedVector<float> sums(size_t(part.width * 3));
  for (int64_t y = 0; y < part.height; ++y) {
    const Weighted& taps = rows[size_t(y)];
    std::fill(sums.begin(), sums.end(), 0.0f);
    for (size_t k = 0; k < taps.at.size(); ++k) {
      const float* const row = narrow.at(taps.at[k]);
      for (size_t i = 0; i < sums.size(); ++i) sums[i] += taps.weights[k] * row[i];
    }
    std::transform(sums.begin(), sums.end(), result.row(y), rounded_byte);
  }
  return result;
}

/// Means of `across` x `down` pixels.
Image resize_whole(const Image& image, int64_t across, int64_t down, const Window& part) {
  const float share = 1.0f / float(across * down);
  const bool halves = across == 2 && down == 2;  // which round up, others to even
  Image result(part.width, part.height);
  for (int64_t y = 0; y < part.height; ++y)
    for (int64_t x = 0; x < part.width; ++x)
      for (int64_t c = 0; c < 3; ++c) {
        int32_t sum = 0;
        for (int64_t j = 0; j < down; ++j) {
          const uint8_t* from = image.row((part.y + y) * down + j) + (part.x + x) * across * 3 + c;
          for (int64_t i = 0; i < across; ++i) sum += from[i * 3];
        }
        result.row(y)[x * 3 + c] =
            halves ? uint8_t((sum + 2) >> 2) : rounded_byte(float(sum) * share);
      }
  return result;
}

Image resize_area(const Image& image, int64_t width, int64_t height, const Window& part) {
  if (width > image.width || height > image.height)
    return resize_linear(image, width, height, true, part);
  if (image.width % width == 0 && image.height % height == 0)
    return resize_whole(image, image.width / width, image.height / height, part);
  return resize_weighted(image, width, height, area_weights, part);
}

}  // namespace

Image resize_opencv(const Image& image, int64_t width, int64_t height, Interpolation interpolation,
                    const Window& part) {
  if (interpolation == Interpolation::area) return resize_area(image, width, height, part);
  if (interpolation == Interpolation::linear)
    return resize_linear(image, width, height, false, part);
  return resize_weighted(image, width, height, cubic_weights, part);
}

}  // namespace lathe::image
