#include "apps/flops.h"

#include <algorithm>
#include <vector>

namespace lathe::apps {

double flops_of(KernelCall& call) {
  std::vector<Tensor> tensors;
  call.for_each_tensor([&](Tensor& x) { tensors.push_back(x); });
  const auto size = [](const Tensor& x) { return x ? double(x.numel()) : 0; };
  const std::string name = call.kernel->name();
  if (name.starts_with("matmul"))  // c (…, M, N), a of as many matrices with M K elements
    return 2 * size(tensors.at(1)) * double(tensors[0].dim(-1));
  if (name.starts_with("conv2d")) {  // y and w (O, R, S, C / groups): R S C / groups terms a sum
    const bool weight = name == "conv2d_backward_weight", input = name == "conv2d_backward_input";
    const Tensor &y = tensors.at(weight ? 2 : input ? 1 : 0), &w = tensors.at(weight ? 0 : 2);
    return 2 * size(y) * size(w) / double(w.dim(0));
  }
  if (name == "linear_backward_update") {  // dx (B, K) or absent, dy (B, N), x (B, K)
    const double product = 2 * size(tensors.at(8)) * double(tensors.at(9).dim(-1));
    return tensors[6] ? 2 * product : product;
  }
  double largest = 0;
  for (const Tensor& x : tensors) largest = std::max(largest, size(x));
  return largest;
}

}  // namespace lathe::apps
