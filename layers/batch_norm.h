// Batch normalisation: the differentiable ops and the module. layers/conv_norm.h folds it into a
// convolution.
#pragma once

#include "kernels/batch_norm.h"
#include "layers/module.h"

namespace lathe {

using kernels::BatchNormOptions;

/// Means and variances of the batches seen so far, (C,) each, and how many they were, one i64.
struct RunningStatistics {
  Tensor mean, var, batches;
};

/// Training: y = f((x - mean) / sqrt(var + eps) weight + bias + residual), with the statistics of x
/// over all dimensions but the last, the channels; moves the running statistics towards them. x
/// (…, C), weight and bias (C,), residual shaped as x or absent. torch.nn.functional.batch_norm.
/// The backward keeps x, y where f needs it and there is a residual, and the statistics.
Tensor batch_norm(RunningStatistics& running, const Tensor& x, const Tensor& weight,
                  const Tensor& bias, BatchNormOptions options = {},
                  kernels::Nonlinearity f = kernels::Nonlinearity::none,
                  const Tensor& residual = {});

/// Evaluation: the same with the running statistics, which are constants to the gradient.
Tensor batch_norm_inference(const RunningStatistics& running, const Tensor& x, const Tensor& weight,
                            const Tensor& bias, BatchNormOptions options = {},
                            kernels::Nonlinearity f = kernels::Nonlinearity::none,
                            const Tensor& residual = {});

/// torch.nn.BatchNorm2d for x (N, H, W, C); any x (…, C) will do.
class BatchNorm2d final : public Module {
 public:
  explicit BatchNorm2d(int64_t channels, BatchNormOptions options = {});

  Tensor forward(const Tensor& x) override { return apply(x, kernels::Nonlinearity::none, {}); }
  /// f(forward(x) + residual), in one kernel.
  Tensor forward(const Tensor& x, kernels::Nonlinearity f, const Tensor& residual = {});
  void visit(Visitor& visitor) override;
  std::string kind() const override { return "BatchNorm2d"; }
  std::string details() const override;
  int64_t channels() const { return weight.dim(0); }
  const BatchNormOptions& options() const { return options_; }

  Tensor weight, bias;
  RunningStatistics running;

 private:
  Tensor apply(const Tensor& x, kernels::Nonlinearity f, const Tensor& residual);
  BatchNormOptions options_;
};

}  // namespace lathe
