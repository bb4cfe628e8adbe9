#include "train/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace lathe {

std::string draw_curves(const std::string& title, const std::vector<Curve>& curves, int width,
                        int height) {
  size_t epochs = 0;
  double low = HUGE_VAL, high = -HUGE_VAL;
  for (const Curve& curve : curves) {
    epochs = std::max(epochs, curve.values.size());
    for (double value : curve.values)
      if (std::isfinite(value)) {
        low = std::min(low, value);
        high = std::max(high, value);
      }
  }
  if (epochs < 2 || low > high) return "";
  if (low == high) high = low + 1;
  const int columns = int(std::min<size_t>(epochs, size_t(width)));
  std::vector<std::vector<std::string>> cells(size_t(height),
                                              std::vector<std::string>(size_t(columns), " "));
  for (const Curve& curve : curves)
    for (int x = 0; x < columns; ++x) {
      // A column stands for the last of its epochs: the final values are always shown.
      const size_t epoch = size_t((x + 1) * int64_t(epochs) / columns - 1);
      if (epoch >= curve.values.size() || !std::isfinite(curve.values[epoch])) continue;
      const double share = (curve.values[epoch] - low) / (high - low);
      cells[size_t(std::lround((1 - share) * (height - 1)))][size_t(x)] = curve.mark;
    }
  std::string text = "  " + title + "\n";
  for (int y = 0; y < height; ++y) {
    const bool labelled = y == 0 || y == height - 1 || y == height / 2;
    const double value = high - (high - low) * y / (height - 1);
    text += (labelled ? fmt::format("{:>9.4g} ┤", value) : std::string(10, ' ') + "│");
    std::string row;
    for (const std::string& cell : cells[size_t(y)]) row += cell;
    text += row.substr(0, row.find_last_not_of(' ') + 1) + "\n";
  }
  std::string axis, legend;
  for (int x = 0; x < columns; ++x) axis += "─";
  for (const Curve& curve : curves) legend += "   " + curve.mark + " " + curve.name;
  const std::string last = std::to_string(epochs);
  text += std::string(10, ' ') + "└" + axis + "\n" + std::string(11, ' ') + "1" +
          std::string(size_t(std::max(1, columns - 1 - int(last.size()))), ' ') + last + " epoch" +
          legend + "\n";
  return text;
}

}  // namespace lathe
