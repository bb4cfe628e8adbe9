// The fully connected layer, y = x wᵀ + b, with ReLU inside where one follows.
#pragma once

#include "layers/module.h"

namespace lathe {

/// What linear() applies in the same pass over its output.
enum class LinearActivation : uint8_t { none, relu };

/// y = activation(x wᵀ + b); x (…, K), w (N, K), b (N,) or absent; y (…, N). ReLU inside costs
/// nothing, and its backward needs only y.
Tensor linear(const Tensor& x, const Tensor& w, const Tensor& b,
              LinearActivation activation = LinearActivation::none);

/// Owns weight (out_features, in_features) and bias (out_features,), both uniform in
/// ±1 / sqrt(in_features) at first, as torch.nn.Linear.
class Linear final : public Module {
 public:
  Linear(int64_t in_features, int64_t out_features, bool bias = true);

  Tensor forward(const Tensor& x) override { return linear(x, weight, bias); }
  /// relu(forward(x)), in one kernel.
  Tensor forward_relu(const Tensor& x) const;
  void visit(Visitor& visitor) override;
  std::string kind() const override { return "Linear"; }
  std::string details() const override;
  int64_t in_features() const { return weight.dim(1); }
  int64_t out_features() const { return weight.dim(0); }

  Tensor weight, bias;
};

}  // namespace lathe
