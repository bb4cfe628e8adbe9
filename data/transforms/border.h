// What lies outside of an image, for steps that look there. The names are torchvision's; OpenCV's
// BORDER_REFLECT_101 is `reflect`, its BORDER_REFLECT `symmetric`, its BORDER_REPLICATE `edge`.
#pragma once

#include <algorithm>
#include <cstdint>

namespace lathe {

enum class Border { constant, edge, reflect, symmetric, wrap };

/// The pixel of a line of `count` that stands at `at`, which may be outside; -1 for `constant`.
inline int64_t border_index(int64_t at, int64_t count, Border border) {
  const auto modulo = [at](int64_t period) { return ((at % period) + period) % period; };
  if (at >= 0 && at < count) return at;
  switch (border) {
    case Border::constant:
      return -1;
    case Border::edge:
      return std::clamp<int64_t>(at, 0, count - 1);
    case Border::wrap:
      return modulo(count);
    case Border::symmetric: {
      const int64_t place = modulo(2 * count);
      return std::min(place, 2 * count - 1 - place);
    }
    default: {  // reflect: the outermost pixel does not repeat
      if (count == 1) return 0;
      const int64_t place = modulo(2 * count - 2);
      return std::min(place, 2 * count - 2 - place);
    }
  }
}

}  // namespace lathe
