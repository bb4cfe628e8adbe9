// The last step of a Linear in training, in one pass over its weights: the input's gradient, the
// weight's gradient, the moments and the update. For small batches training is a matter of bytes,
// and this reads and writes each weight and moment once and no gradient of the weights at all. A
// recorded plan uses it in place of the separate kernels.
#pragma once

#include "kernels/optimizer.h"

namespace lathe::kernels {

/// Elements that linear_backward_update needs as scratch memory for a batch: on the CPU it depends
/// on the number of threads, on other devices it is 0.
int64_t linear_update_scratch(Device device, int64_t batch, int64_t inputs, int64_t outputs);

/// Backward of y = x w^T + bias, and the update of w and bias from their gradients.
///   dx = dy w, with w from before the update; dw = dy^T x; dbias = sum of dy over the batch;
///   then optimizer_step's rule for w with dw and for bias with dbias
/// dy (B, N); x (B, K); w, w_m, w_v (N, K); bias, bias_m, bias_v (N,), absent without a bias.
/// Moments are present as in optimizer_step. dx (B, K), or absent where the input needs no
/// gradient; it may not share memory with x or dy. scratch has at least linear_update_scratch
/// elements of w's type, and may be absent where those are 0; what it holds does not matter, so one
/// serves all layers in turn. hyper as in optimizer_step; its max_norm is not used. With a loss
/// that is not finite nothing is updated and dx has no meaning. f32 and f64. Results are the same
/// bytes for the same number of threads.
DECLARE_KERNEL(linear_backward_update, Tensor& w, Tensor& bias, Tensor& w_m, Tensor& w_v,
               Tensor& bias_m, Tensor& bias_v, Tensor& dx, Tensor& scratch, const Tensor& dy,
               const Tensor& x, const Tensor& hyper, UpdateRule rule);

/// Throws unless the shapes fit as above.
void check_linear_update(const Tensor& w, const Tensor& bias, const Tensor& w_m, const Tensor& w_v,
                         const Tensor& bias_m, const Tensor& bias_v, const Tensor& dx,
                         const Tensor& scratch, const Tensor& dy, const Tensor& x,
                         const Tensor& hyper, UpdateRule rule);

}  // namespace lathe::kernels
