#include "apps/flops.h"

#include <cmath>
#include <vector>

namespace lathe::apps {

double flops_of(KernelCall& call) {
  std::vector<double> sizes;
  call.for_each_tensor([&](Tensor& x) { sizes.push_back(x ? double(x.numel()) : 0); });
  if (sizes.empty()) return 0;
  const bool product = call.kernel->name().starts_with("matmul") && sizes.size() >= 3;
  if (!product || sizes[0] == 0) return sizes[0];
  // (M, K) and (K, N) give (M, N): K² is the product of the inputs' sizes over the result's.
  return 2 * sizes[0] * std::sqrt(sizes[1] * sizes[2] / sizes[0]);
}

}  // namespace lathe::apps
