// A convolution and the batch norm after it, as one step: two kernels while training, one
// convolution with other weights in inference.
#pragma once

#include "layers/batch_norm.h"
#include "layers/conv2d.h"

namespace lathe {

/// f(norm(conv(x)) + residual), for a model's forward. x (N, H, W, C), residual shaped as the
/// result or absent. A model made ready by Module::inference() runs, where no tape records, one
/// convolution with the folded weights, which `conv` keeps from its first call on.
Tensor conv_norm(Conv2d& conv, BatchNorm2d& norm, const Tensor& x,
                 kernels::Nonlinearity f = kernels::Nonlinearity::none,
                 const Tensor& residual = {});

/// Weight (O, R, S, C) and bias (O,) of the convolution that does a convolution's and the following
/// batch norm's work in evaluation; the bias given may be absent. Computed in f64.
ConstantWeights fold_batch_norm(const Tensor& weight, const Tensor& bias, const BatchNorm2d& norm);

}  // namespace lathe
