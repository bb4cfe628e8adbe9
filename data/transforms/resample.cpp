// The passes of resize() in plain loops: the specification.
#include "data/transforms/resample.h"

namespace lathe::image {
namespace {

constexpr int32_t half = 1 << (places - 1);

uint8_t rounded(int32_t sum) { return uint8_t(std::clamp(sum >> places, 0, 255)); }

void along_rows(Rows& to, const Image& from, int64_t first_row, const Taps& taps) {
  for (int64_t y = 0; y < to.height; ++y) {
    const uint8_t* const in = from.row(first_row + y);
    uint8_t* out = to.row(y);
    for (int64_t x = 0; x < taps.out; ++x) {
      const int32_t* const weights = &taps.weights[size_t(x * taps.each)];
      const int64_t first = taps.first[size_t(x)];
      const int64_t count = std::min(taps.each, taps.in - first);
      for (int channel = 0; channel < 3; ++channel) {
        int32_t sum = half;
        for (int64_t i = 0; i < count; ++i) sum += weights[i] * in[(first + i) * 3 + channel];
        *out++ = rounded(sum);
      }
    }
  }
}

void along_columns(Image& to, const Rows& from, const Taps& taps) {
  const int64_t stride = to.width * 3;
  std::vector<int32_t> sums(size_t(stride), 0);
  for (int64_t y = 0; y < taps.out; ++y) {
    const int32_t* const weights = &taps.weights[size_t(y * taps.each)];
    const int64_t first = taps.first[size_t(y)];
    const int64_t count = std::min(taps.each, taps.in - first);
    std::fill(sums.begin(), sums.end(), half);
    for (int64_t i = 0; i < count; ++i) {
      const uint8_t* const row = from.row(first + i);
      for (int64_t x = 0; x < stride; ++x) sums[size_t(x)] += weights[i] * row[x];
    }
    for (int64_t x = 0; x < stride; ++x) to.row(y)[x] = rounded(sums[size_t(x)]);
  }
}

}  // namespace

const Passes plain_passes = {along_rows, along_columns};

}  // namespace lathe::image
