// Losses: each forward kernel computes the mean loss and, in the same pass, `slope`, its derivative
// by each input; so there is one backward kernel for all of them, a multiplication.
#pragma once

#include "tensor/kernel.h"

namespace lathe::kernels {

// loss has one element: f32 for 16-bit inputs, else of the inputs' type. slope has the inputs'
// shape and type, or is absent where no gradient will be asked for. An empty batch gives NaN, as in
// PyTorch.

/// Binary cross entropy of logits x with targets t in [0, 1] of as many elements, floating of x's
/// type or i64:
///   loss = mean of (1 - t) x + (1 + (pos_weight - 1) t) (log(1 + exp(-|x|)) + max(-x, 0))
/// Targets are not checked to be in range.
DECLARE_KERNEL(bce_with_logits, Tensor& loss, Tensor& slope, const Tensor& x, const Tensor& t,
               double pos_weight);

/// Cross entropy of logits x (N, C) with labels (N,) i64, e = smoothing, and the classes' weights w
/// (C,) of the type of the loss, absent for all 1:
///   loss = sum over n of -((1 - e) w[l] log p[n, l] + e / C sum over c of w[c] log p[n, c])
///          / sum over n of w[l],      p = softmax(x), l = labels[n]
/// On the CPU a label outside [0, C) throws Error(data); on the GPU it makes the loss NaN.
DECLARE_KERNEL(cross_entropy, Tensor& loss, Tensor& slope, const Tensor& x, const Tensor& labels,
               const Tensor& weights, double smoothing);

/// loss = mean of (x - t)²; x and t of equal types and as many elements.
DECLARE_KERNEL(mse, Tensor& loss, Tensor& slope, const Tensor& x, const Tensor& t);

/// dx = scale * dloss * slope; dloss has one element, of the type of the loss.
DECLARE_KERNEL(loss_backward, Tensor& dx, const Tensor& dloss, const Tensor& slope, double scale);

}  // namespace lathe::kernels
