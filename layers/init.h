// How parameters begin: PyTorch's distributions, drawn from Philox. Each tensor takes the next
// stream of the seed, so a model built after manual_seed(s) always begins with the same values. Not
// PyTorch's values: its generator is another.
#pragma once

#include "layers/random_state.h"
#include "tensor/random.h"
#include "tensor/tensor.h"

namespace lathe {

/// The next stream of this thread.
RandomStream next_init_stream();

/// Uniform in ±sqrt(6 / ((1 + a²) fan_in)) (He et al. 2015). PyTorch's Linear and convolutions take
/// a = √5, which makes the bound 1 / sqrt(fan_in).
void kaiming_uniform_(Tensor& weight, int64_t fan_in, double a);

/// Normal with deviation sqrt(2 / fan) (He et al., arXiv:1502.01852): for layers with ReLU.
void kaiming_normal_(Tensor& weight, int64_t fan);

}  // namespace lathe
