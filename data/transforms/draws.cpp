#include "data/transforms/draws.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace lathe {

double Draws::normal() {
  // Box-Muller; 1 - u is never 0.
  const double radius = std::sqrt(-2 * std::log(1 - uniform()));
  return radius * std::cos(2 * std::numbers::pi * uniform());
}

void Draws::normals(std::span<float> to) {
  for (size_t i = 0; i < to.size(); i += 4) {
    const Philox4 block = stream_.block(next_++);
    float four[4];
    const auto pair = [](uint32_t a, uint32_t b, float* two) {
      const float u = (float(a >> 8) + 0.5f) * 0x1p-24f, turn = float(b >> 8) * 0x1p-24f;
      const float radius = std::sqrt(-2 * std::log(u));
      two[0] = radius * std::cos(2 * std::numbers::pi_v<float> * turn);
      two[1] = radius * std::sin(2 * std::numbers::pi_v<float> * turn);
    };
    pair(block.x, block.y, four);
    pair(block.z, block.w, four + 2);
    std::copy_n(four, std::min<size_t>(4, to.size() - i), to.begin() + int64_t(i));
  }
}

std::array<int, 4> Draws::order() {
  std::array<int, 4> order = {0, 1, 2, 3};
  for (size_t i = 3; i > 0; --i) std::swap(order[i], order[size_t(below(int64_t(i) + 1))]);
  return order;
}

}  // namespace lathe
