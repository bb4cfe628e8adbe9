// Passes over the weights beside the optimiser's step: the gradient of an L1 penalty, and averages
// of the weights over the steps.
//   L1       d/dw (l1 |w|) = l1 sign(w), the subgradient 0 at 0, as torch.abs has it (Tibshirani,
//            "Regression Shrinkage and Selection via the Lasso", 1996)
//   average  exponential: a step of age k weighs (1 - decay) decay^k (Polyak and Juditsky, 1992;
//            Tarvainen and Valpola, arXiv:1703.01780; timm's ModelEmaV3 is the same by lerp)
#pragma once

#include "tensor/kernel.h"
#include "tensor/tensor.h"

namespace lathe::kernels {

/// grads += l1 sign(params), sign(0) being 0; l1 stands in `hyper` (kernels/optimizer.h), so that a
/// recorded plan replays with another. grads and params (n,), f32 or f64.
DECLARE_KERNEL(add_l1_gradient, Tensor& grads, const Tensor& params, const Tensor& hyper);

/// average += (1 - decay) (x - average): decay average + (1 - decay) x, but exact where the two are
/// equal. Equal shapes; f32 or f64.
DECLARE_KERNEL(update_average, Tensor& average, const Tensor& x, double decay);

}  // namespace lathe::kernels
