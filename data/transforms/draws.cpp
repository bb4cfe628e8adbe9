#include "data/transforms/draws.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace lathe {

double Draws::normal() {
  // Box-Muller; 1 - u is never 0.
  const double radius = std::sqrt(-2 * std::log(1 - uniform()));
  return radius * std::cos(2 * std::numbers::pi * uniform());
}

namespace {

constexpr size_t quantiles = 1 << 16;

/// Standard normal numbers, each as likely: the quantiles at the middles of 65,536 equal shares, by
/// Newton's method from the middle outwards. The outermost are at 4.3 deviations.
std::vector<float> normal_quantiles() {
  std::vector<float> table(quantiles);
  double x = 0;
  for (size_t i = quantiles / 2; i < quantiles; ++i) {
    const double above = (double(quantiles - i) - 0.5) / double(quantiles);
    for (double step = 1; std::abs(step) > 1e-9;) {
      const double tail = std::erfc(x / std::numbers::sqrt2) / 2;
      step = (tail - above) * std::sqrt(2 * std::numbers::pi) * std::exp(x * x / 2);
      x += step;
    }
    table[i] = float(x);
    table[quantiles - 1 - i] = -float(x);
  }
  return table;
}

}  // namespace

void Draws::normals(std::span<float> to) {
  static const std::vector<float> table = normal_quantiles();
  for (size_t i = 0; i < to.size(); i += 8) {
    const auto [x, y, z, w] = stream_.block(next_++);
    const uint32_t words[] = {x, y, z, w};
    for (size_t k = 0; k < std::min<size_t>(8, to.size() - i); ++k)
      to[i + k] = table[words[k / 2] >> (k % 2 * 16) & 0xffff];
  }
}

std::array<int, 4> Draws::order() {
  std::array<int, 4> order = {0, 1, 2, 3};
  for (size_t i = 3; i > 0; --i) std::swap(order[i], order[size_t(below(int64_t(i) + 1))]);
  return order;
}

}  // namespace lathe
