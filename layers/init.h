// How parameters begin: PyTorch's distributions, drawn from Philox. Each tensor takes the next
// stream of the seed, so a model built after manual_seed(s) always begins with the same values. Not
// PyTorch's values: its generator is another.
#pragma once

#include "tensor/tensor.h"

namespace lathe {

/// Uniform in ±bound.
void init_uniform_(Tensor& x, double bound);
/// Normal with mean 0.
void init_normal_(Tensor& x, double deviation);
/// Uniform in ±sqrt(6 / ((1 + a²) fan_in)) (He et al. 2015). PyTorch's Linear and convolutions take
/// a = √5, which makes the bound 1 / sqrt(fan_in).
void kaiming_uniform_(Tensor& weight, int64_t fan_in, double a);

/// While one lives, the functions above leave tensors of this thread as they are: for a model whose
/// weights are loaded next, or that is only looked at. Drawing 25 million numbers takes a second.
class NoInitialValues {
 public:
  NoInitialValues();
  ~NoInitialValues();
  NoInitialValues(const NoInitialValues&) = delete;
  NoInitialValues& operator=(const NoInitialValues&) = delete;
};

}  // namespace lathe
