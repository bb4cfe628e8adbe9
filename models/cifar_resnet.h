// The small residual networks for 32 px images (He et al., arXiv:1512.03385, section 4.2), with
// shortcuts that cost no parameters (option A: every second pixel, and channels of zeros). Names
// are those of akamaster/pytorch_resnet_cifar10.
#pragma once

#include "layers/batch_norm.h"
#include "layers/conv2d.h"
#include "layers/linear.h"
#include "layers/sequential.h"

namespace lathe {

/// x (N, H, W, 3) to logits (N, num_classes). depth is 6 blocks + 2: 20, 32, 44, 56.
class CifarResNet final : public Module {
 public:
  explicit CifarResNet(int64_t depth, int64_t num_classes = 10);
  Tensor forward(const Tensor& x) override;
  void visit(Visitor& visitor) override;
  std::string kind() const override { return "ResNet"; }

 private:
  Conv2d conv1_;
  BatchNorm2d bn1_;
  Sequential layer1_, layer2_, layer3_;
  Linear linear_;
};

}  // namespace lathe
