#include "train/finite.h"

#include <algorithm>
#include <array>

namespace lathe {

bool all_finite(const Tensor& x) {
  const Tensor host = x.to(Device::cpu);
  bool finite = true;
  dispatch_float("finite", host.dtype(), [&]<class T>() {
    const T* values = host.data<T>();
    // x - x is 0, or NaN for NaN and Inf; several sums, so that none waits for the one before.
    std::array<T, 16> sums = {};
    for (int64_t i = 0; i < host.numel(); i += int64_t(sums.size())) {
      const int64_t count = std::min(host.numel() - i, int64_t(sums.size()));
      for (int64_t k = 0; k < count; ++k) sums[size_t(k)] += values[i + k] - values[i + k];
    }
    finite = std::all_of(sums.begin(), sums.end(), [](T sum) { return sum == 0; });
  });
  return finite;
}

}  // namespace lathe
