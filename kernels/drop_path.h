// Stochastic depth (Huang et al., arXiv:1603.09382): a residual branch is left out of some samples
// of a batch, and grows by 1 / (1 - p) in the others, which keeps the mean. Which ones is a
// function of seed, step, op and the sample's number, as in dropout.
#pragma once

#include "kernels/dropout.h"

namespace lathe::kernels {

/// y[n, ...] = shortcut[n, ...] + x[n, ...] / (1 - p) where word n of the mask's stream keeps the
/// sample, else shortcut[n, ...]; an absent shortcut is 0. Equal shapes and floating types; y may
/// be the shortcut. step (1,) i64 is read when the kernel runs. The gradient of x is the same
/// kernel on dy without a shortcut.
DECLARE_KERNEL(drop_path, Tensor& y, const Tensor& x, const Tensor& shortcut, const Tensor& step,
               DropoutMask mask);

}  // namespace lathe::kernels
