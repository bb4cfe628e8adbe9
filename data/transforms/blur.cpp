#include "data/transforms/blur.h"

#include <algorithm>
#include <cmath>

#include "data/transforms/pixels.h"
#include "tensor/check.h"

namespace lathe {

std::vector<double> gaussian_kernel(double sigma, int64_t size) {
  LATHE_CHECK(sigma >= 0 && sigma <= 1e4 && size >= 0 && size <= 100'000,
              "blur: expects a sigma from 0 to 10000 and a size of at most 100000, got ", sigma,
              " and ", size);
  if (size == 0) size = int64_t(sigma * 3.5) * 2 + 1;
  const int64_t reach = size / 2;
  std::vector<double> kernel;
  double sum = 0;
  for (int64_t x = -reach; x <= reach; ++x) {
    const double by = sigma > 0 ? double(x) / sigma : x == 0 ? 0 : INFINITY;
    kernel.push_back(std::exp(-0.5 * by * by));
    sum += kernel.back();
  }
  for (double& weight : kernel) weight /= sum;
  return kernel;
}

namespace {

/// to[i] = the sum over k of weights[k] * from[k][i].
void weigh(float* to, const float* const* from, const std::vector<float>& weights, int64_t count) {
  std::fill_n(to, count, 0.0f);
  for (size_t k = 0; k < weights.size(); ++k)
    for (int64_t i = 0; i < count; ++i) to[i] += weights[k] * from[k][i];
}

}  // namespace

Image blurred(const Image& image, const std::vector<double>& kernel) {
  const std::vector<float> weights(kernel.begin(), kernel.end());
  const int64_t reach = int64_t(weights.size()) / 2, stride = image.width * 3;
  std::vector<const float*> lines(weights.size());
  ReusedVector<float> wide(size_t((image.width + 2 * reach) * 3));
  ReusedVector<float> narrow(size_t(stride * image.height));
  for (int64_t y = 0; y < image.height; ++y) {
    for (int64_t x = -reach; x < image.width + reach; ++x)
      std::copy_n(image.row(y) + border_index(x, image.width, Border::reflect) * 3, 3,
                  wide.data() + (x + reach) * 3);
    for (size_t k = 0; k < lines.size(); ++k) lines[k] = wide.data() + k * 3;
    weigh(narrow.data() + y * stride, lines.data(), weights, stride);
  }
  Image result(image.width, image.height);
  ReusedVector<float> sums(static_cast<size_t>(stride));
  for (int64_t y = 0; y < image.height; ++y) {
    for (size_t k = 0; k < lines.size(); ++k)
      lines[k] = narrow.data() +
                 border_index(y + int64_t(k) - reach, image.height, Border::reflect) * stride;
    weigh(sums.data(), lines.data(), weights, stride);
    std::transform(sums.begin(), sums.end(), result.row(y), rounded_byte);
  }
  return result;
}

}  // namespace lathe
