#include "data/transforms/noise.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "tensor/check.h"

namespace lathe {

Image noisy(const Image& image, std::span<const float> noise) {
  LATHE_CHECK(noise.size() == image.pixels.size(), "noise: expects ", image.pixels.size(),
              " numbers, got ", noise.size());
  Image result(image.width, image.height);
  for (size_t i = 0; i < noise.size(); ++i) {
    const int added = int(std::clamp(noise[i], -256.0f, 256.0f));  // cut off, as a vector too
    result.pixels[i] = uint8_t(std::clamp(int(image.pixels[i]) + added, 0, 255));
  }
  return result;
}

namespace {

using Matrix3 = std::array<std::array<double, 3>, 3>;

/// One turn of Jacobi's method: a' = J^T a J with a'[p][q] = 0, and v' = v J.
void turn(Matrix3& a, Matrix3& v, size_t p, size_t q) {
  if (a[p][q] == 0) return;
  const double theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
  const double t = (theta < 0 ? -1 : 1) / (std::abs(theta) + std::sqrt(theta * theta + 1));
  const double c = 1 / std::sqrt(t * t + 1), s = t * c;
  const auto columns = [&](Matrix3& m) {
    for (size_t k = 0; k < 3; ++k) {
      const double left = m[k][p], right = m[k][q];
      m[k][p] = c * left - s * right;
      m[k][q] = s * left + c * right;
    }
  };
  columns(a);
  for (size_t k = 0; k < 3; ++k) {
    const double upper = a[p][k], lower = a[q][k];
    a[p][k] = c * upper - s * lower;
    a[q][k] = s * upper + c * lower;
  }
  columns(v);
}

/// A column of an eigenvector's numbers, with its eigenvalue.
struct Axis {
  double value;
  std::array<double, 3> direction;
};

/// The axes of a symmetric matrix, the greatest eigenvalue first.
std::array<Axis, 3> axes_of(Matrix3 a) {
  Matrix3 v = {{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
  for (int sweep = 0; sweep < 30; ++sweep) {  // converges quadratically: a handful suffice
    turn(a, v, 0, 1);
    turn(a, v, 0, 2);
    turn(a, v, 1, 2);
  }
  std::array<Axis, 3> axes;
  for (size_t k = 0; k < 3; ++k) {
    std::array<double, 3> d = {v[0][k], v[1][k], v[2][k]};
    const auto largest = std::max_element(
        d.begin(), d.end(), [](double x, double y) { return std::abs(x) < std::abs(y); });
    if (*largest < 0)
      for (double& x : d) x = -x;
    axes[k] = {a[k][k], d};
  }
  std::sort(axes.begin(), axes.end(),
            [](const Axis& x, const Axis& y) { return x.value > y.value; });
  return axes;
}

/// Mean of the colours (0 to 1), and their covariance, by count - 1.
std::pair<std::array<double, 3>, Matrix3> statistics(const Image& image) {
  std::array<double, 3> sums = {};
  Matrix3 products = {};
  for (size_t i = 0; i < image.pixels.size(); i += 3)
    for (size_t a = 0; a < 3; ++a) {
      sums[a] += image.pixels[i + a];
      for (size_t b = a; b < 3; ++b)
        products[a][b] += double(image.pixels[i + a]) * image.pixels[i + b];
    }
  const double count = double(image.pixels.size() / 3);
  std::array<double, 3> mean;
  for (size_t a = 0; a < 3; ++a) mean[a] = sums[a] / count / 255;
  for (size_t a = 0; a < 3; ++a)
    for (size_t b = a; b < 3; ++b)
      products[b][a] = products[a][b] =
          (products[a][b] - sums[a] * sums[b] / count) / (count - 1) / (255.0 * 255);
  return {mean, products};
}

}  // namespace

Image fancy_pca(const Image& image, const std::array<double, 3>& amounts) {
  if (image.pixels.size() <= 3) return image;
  const auto [mean, covariance] = statistics(image);
  const std::array<Axis, 3> axes = axes_of(covariance);
  Matrix3 change;  // V diag(amounts * eigenvalues)
  for (size_t row = 0; row < 3; ++row)
    for (size_t k = 0; k < 3; ++k)
      change[row][k] = axes[k].direction[row] * float(amounts[k]) * axes[k].value;
  Image result(image.width, image.height);
  for (size_t i = 0; i < image.pixels.size(); i += 3) {
    std::array<double, 3> from, away;
    for (size_t c = 0; c < 3; ++c) {
      from[c] = double(float(image.pixels[i + c]) / 255.0f);
      away[c] = from[c] - mean[c];
    }
    for (size_t c = 0; c < 3; ++c) {
      const double moved =
          from[c] + change[c][0] * away[0] + change[c][1] * away[1] + change[c][2] * away[2];
      result.pixels[i + c] = uint8_t(std::nearbyint(std::clamp(moved, 0.0, 1.0) * 255));
    }
  }
  return result;
}

}  // namespace lathe
