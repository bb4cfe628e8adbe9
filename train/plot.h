// Curves drawn with characters, for the end of a run in a terminal.
#pragma once

#include <string>
#include <vector>

namespace lathe {

struct Curve {
  std::string name;
  std::string mark;            ///< one column wide, such as "•"
  std::vector<double> values;  ///< one an epoch; NaN is not drawn
};

/// The curves over epochs 1, 2, …, with axis labels; as many columns as epochs, at most `width`.
/// Empty when there is nothing to draw.
std::string draw_curves(const std::string& title, const std::vector<Curve>& curves, int width = 60,
                        int height = 10);

}  // namespace lathe
