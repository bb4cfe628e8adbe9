// Softmax and its logarithm over the last dimension, the columns; all other dimensions are rows.
// All tensors of a call have one shape and one floating type; 16-bit types compute in f32. A row
// whose largest element is infinite gives NaN, as in PyTorch. Formulas: torch.nn.functional.
#pragma once

#include "tensor/kernel.h"

namespace lathe::kernels {

/// y[r, c] = exp(x[r, c] - m[r]) / s[r], m[r] = max over c of x[r, c], s[r] = sum over c of
/// exp(x[r, c] - m[r]): taking off the largest element keeps exp from overflowing.
DECLARE_KERNEL(softmax_forward, Tensor& y, const Tensor& x);
/// dx[r, c] = y[r, c] (dy[r, c] - sum over j of dy[r, j] y[r, j]).
DECLARE_KERNEL(softmax_backward, Tensor& dx, const Tensor& dy, const Tensor& y);

/// y[r, c] = x[r, c] - m[r] - log(s[r]), with m and s as above.
DECLARE_KERNEL(log_softmax_forward, Tensor& y, const Tensor& x);
/// dx[r, c] = dy[r, c] - exp(y[r, c]) (sum over j of dy[r, j]).
DECLARE_KERNEL(log_softmax_backward, Tensor& dx, const Tensor& dy, const Tensor& y);

}  // namespace lathe::kernels
