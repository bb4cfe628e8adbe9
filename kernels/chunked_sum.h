// Sums on the CPU whose order does not depend on the number of threads: the range is cut into parts
// of a fixed size, threads sum whole parts, and the parts' sums are added in order.
#pragma once

#include "tensor/parallel.h"

namespace lathe::kernels {

/// The sum of body(begin, end) over parts of [0, count) of about `grain` elements, at most 256.
template <class Acc, class Body>
Acc chunked_sum(int64_t count, int64_t grain, const Body& body) {
  constexpr int most = 256;
  const int parts = int(std::clamp<int64_t>(count / grain, 1, most));
  Acc sums[most];
  parallel_for(0, parts, 1, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      const Part part = part_of(0, count, int(i), parts);
      sums[i] = body(part.begin, part.end);
    }
  });
  Acc total = 0;
  for (int i = 0; i < parts; ++i) total += sums[i];
  return total;
}

}  // namespace lathe::kernels
