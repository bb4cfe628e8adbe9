#include "train/confusion_image.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <string>

namespace lathe {
namespace {

using Color = std::array<uint8_t, 3>;
constexpr Color dark = {8, 48, 107}, white = {255, 255, 255};

/// The digits, 3 by 5 pixels: an octal digit is a row, its bits the pixels.
constexpr uint16_t digits[10] = {075557, 026227, 071747, 071717, 055711,
                                 074717, 074757, 071111, 075757, 075717};

void fill(Image& image, const Window& part, const Color& color) {
  for (int64_t y = part.y; y < part.y + part.height; ++y)
    for (int64_t x = part.x; x < part.x + part.width; ++x)
      std::copy(color.begin(), color.end(), image.row(y) + 3 * x);
}

/// A number in the middle of a cell, as large as fits of three sizes.
void write(Image& image, const Window& cell, const std::string& number, const Color& color) {
  const int64_t columns = 4 * int64_t(number.size()) - 1;
  const int64_t scale = std::min<int64_t>({3, (cell.width - 4) / columns, (cell.height - 4) / 5});
  int64_t left = cell.x + (cell.width - columns * scale) / 2;
  const int64_t top = cell.y + (cell.height - 5 * scale) / 2;
  if (scale < 1) return;
  for (char c : number) {
    for (int pixel = 0; pixel < 15; ++pixel)
      if (digits[c - '0'] >> (14 - pixel) & 1)
        fill(image, {left + pixel % 3 * scale, top + pixel / 3 * scale, scale, scale}, color);
    left += 4 * scale;
  }
}

}  // namespace

Image draw_confusion(const Confusion& confusion) {
  const int64_t classes = int64_t(confusion.size());
  const int64_t side = std::clamp<int64_t>(560 / std::max<int64_t>(classes, 1), 1, 56);
  Image image(classes * side, classes * side);
  for (int64_t row = 0; row < classes; ++row) {
    const auto& counts = confusion[size_t(row)];
    const int64_t all = std::accumulate(counts.begin(), counts.end(), int64_t{0});
    for (int64_t column = 0; column < classes; ++column) {
      const int64_t count = counts[size_t(column)];
      const double share = all > 0 ? double(count) / double(all) : 0;
      Color color;
      for (size_t i = 0; i < 3; ++i)
        color[i] = uint8_t(white[i] + share * (dark[i] - double(white[i])));
      const Window cell = {column * side, row * side, side, side};
      fill(image, cell, color);
      write(image, cell, std::to_string(count), share < 0.5 ? dark : white);
    }
  }
  return image;
}

}  // namespace lathe
