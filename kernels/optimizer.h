// Optimiser steps over flat slices of the parameter arena: SGD, Adam and AdamW, with the gradient's
// norm for clipping and for the check for Inf. What changes from step to step stands in a small
// tensor, so that a recorded plan replays with other values.
#pragma once

#include "tensor/kernel.h"
#include "tensor/tensor.h"

namespace lathe::kernels {

/// Hyper-parameters of one update, kept in an f64 tensor of Hyper::count elements. The names and
/// their meaning are PyTorch's; t is the number of the step, from 1.
struct Hyper {
  double lr = 0;
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;     ///< adam, adamw
  double correction1 = 1, correction2 = 1;           ///< 1 - beta1^t, 1 - beta2^t
  double momentum = 0, dampening = 0, nesterov = 0;  ///< sgd; nesterov is 0 or 1
  double weight_decay = 0;        ///< sgd, adam: g += decay * w; adamw: w *= 1 - lr * decay
  double inverse_loss_scale = 1;  ///< multiplies every gradient
  double max_norm = 0;            ///< gradients are clipped to this norm; 0: they are not
  double step = 1;                ///< t; at 1 the momentum buffer becomes the gradient
  double l1 = 0;                  ///< of add_l1_gradient, before gradients are multiplied
  double loss = 0;                ///< of this step; nothing is updated when it is not finite

  static constexpr int64_t count = 15, loss_at = 14;
};
static_assert(sizeof(Hyper) == Hyper::count * sizeof(double));

/// A tensor for hyper-parameters, holding these values.
Tensor hyper_tensor(const Hyper& hyper);
void write_hyper(Tensor& tensor, const Hyper& hyper);
Hyper read_hyper(const Tensor& tensor);

enum class UpdateRule : uint8_t { sgd, adam, adamw };

/// norm (1,) f64 = sqrt(sum g^2) of grads (n,), summed in f64 and in one order for any number of
/// threads. It is not finite when a gradient is not, so it serves as the check for Inf too.
DECLARE_KERNEL(gradient_norm, Tensor& norm, const Tensor& grads);

/// Updates params (n,) and its moments from grads (n,), in one pass.
/// The gradient used is g * inverse_loss_scale * min(1, max_norm / (norm * inverse_loss_scale +
/// 1e-6)), the last factor only where max_norm > 0 (torch.nn.utils.clip_grad_norm_).
///   adam   m = lerp(m, g, 1 - beta1); v = beta2 v + (1 - beta2) g^2;
///          w -= lr / correction1 * m / (sqrt(v) / sqrt(correction2) + eps)      arXiv:1412.6980
///   adamw  the same after w *= 1 - lr * weight_decay                            arXiv:1711.05101
///   sgd    m = momentum m + (1 - dampening) g; w -= lr * (nesterov ? g + momentum m : m)
/// m and v are (n,); v is absent for sgd, and m where momentum is 0. norm comes from gradient_norm,
/// or is absent: then nothing is clipped. With a norm or loss that is not finite nothing changes.
DECLARE_KERNEL(optimizer_step, Tensor& params, Tensor& m, Tensor& v, const Tensor& grads,
               const Tensor& hyper, const Tensor& norm, UpdateRule rule);

/// Throws unless the tensors fit as optimizer_step says; `kernel` begins the message.
void check_moments(const char* kernel, const Tensor& params, const Tensor& m, const Tensor& v,
                   const Tensor& hyper, UpdateRule rule);

}  // namespace lathe::kernels
