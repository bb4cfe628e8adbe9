// Batch normalisation over channels, the last dimension; all other dimensions are rows. The
// activation and the residual that follow it are applied in the same pass:
//   y[r, c] = f((x[r, c] - mean[c]) rstd[c] weight[c] + bias[c] + residual[r, c])
// with rstd = 1 / sqrt(var + eps), var being the mean square distance from the mean. Ioffe and
// Szegedy, arXiv:1502.03167; the conventions are those of torch.nn.BatchNorm2d.
// All of x, y, residual and the parameters have one floating type; mean and rstd, which the
// backward needs, are f64, so that a mean far from 0 costs no digits of what is left of x.
#pragma once

#include "kernels/nonlinearity.h"
#include "tensor/kernel.h"

namespace lathe::kernels {

struct BatchNormOptions {
  double eps = 1e-5, momentum = 0.1;
};

/// Training: statistics of x itself, of at least one row, which are written to mean and rstd (C,).
/// running_mean and running_var (C,) move towards them by `momentum`, the variance with the factor
/// rows / (rows - 1); batches, one i64, counts the call. y may be residual.
DECLARE_KERNEL(batch_norm_forward, Tensor& y, Tensor& mean, Tensor& rstd, Tensor& running_mean,
               Tensor& running_var, Tensor& batches, const Tensor& x, const Tensor& weight,
               const Tensor& bias, const Tensor& residual, Nonlinearity f,
               BatchNormOptions options);

/// Evaluation: running statistics, brought to mean and rstd in f64 for the backward. y may be
/// residual or x.
DECLARE_KERNEL(batch_norm_inference, Tensor& y, Tensor& mean, Tensor& rstd, const Tensor& x,
               const Tensor& running_mean, const Tensor& running_var, const Tensor& weight,
               const Tensor& bias, const Tensor& residual, Nonlinearity f,
               BatchNormOptions options);

/// What the gradient is taken for: with statistics of the batch, they depend on x too.
enum class Statistics : uint8_t { running, batch };

/// With dz = dy f' and n rows, sums being over rows:
///   dresidual = dz, dbias = sum dz, dweight = sum dz (x - mean) rstd,
///   dx = weight rstd (dz - (dbias + (x - mean) rstd dweight) / n)   for statistics of the batch,
///   dx = weight rstd dz                                            for running ones.
/// Each result may be absent. kept is what a residual makes necessary for f': y for ReLU and ReLU6,
/// the residual for SiLU, else absent; without one f' is computed from x. dx may be dy or x, and
/// dresidual may be dy.
DECLARE_KERNEL(batch_norm_backward, Tensor& dx, Tensor& dresidual, Tensor& dweight, Tensor& dbias,
               const Tensor& dy, const Tensor& x, const Tensor& kept, const Tensor& mean,
               const Tensor& rstd, const Tensor& weight, const Tensor& bias, Nonlinearity f,
               Statistics statistics);

}  // namespace lathe::kernels
