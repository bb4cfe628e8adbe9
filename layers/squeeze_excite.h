// Squeeze-and-excitation (Hu et al., arXiv:1709.01507): an image decides from its channels' means
// how much each of its channels counts.
#pragma once

#include "layers/activation.h"
#include "layers/conv2d.h"

namespace lathe {

/// timm's SqueezeExcite as in tf_efficientnetv2: x
/// sigmoid(conv_expand(silu(conv_reduce(mean(x))))), with 1x1 convolutions from `channels` to
/// `reduced` and back. Weights begin as timm's.
class SqueezeExcite final : public Module {
 public:
  SqueezeExcite(int64_t channels, int64_t reduced);
  Tensor forward(const Tensor& x) override;
  void visit(Visitor& visitor) override;
  std::string kind() const override { return "SqueezeExcite"; }

  Conv2d conv_reduce, conv_expand;
  SiLU act1;
  Sigmoid gate;
};

}  // namespace lathe
