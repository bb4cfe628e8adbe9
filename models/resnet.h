// Residual networks (He et al., arXiv:1512.03385) and ResNeXt (Xie et al., arXiv:1611.05431) as
// torchvision builds them: the stride of a bottleneck is in its 3x3 convolution ("v1.5"). Names and
// shapes are torchvision's.
#pragma once

#include <array>
#include <vector>

#include "layers/batch_norm.h"
#include "layers/conv2d.h"
#include "layers/sequential.h"
#include "models/classifier.h"

namespace lathe {

struct ResNetOptions {
  std::vector<int64_t> blocks = {3, 4, 6, 3};  ///< of layer1 to layer4
  bool bottleneck = true;                      ///< blocks of 1x1, 3x3, 1x1 instead of two 3x3
  int64_t groups = 1;                          ///< of the 3x3 convolutions in bottlenecks
  int64_t group_width = 64;                    ///< their channels a group, in layer1
  /// 0: the whole model. 4: layer4 and what follows, whose x is what layer3 gave (N, H, W, C), and
  /// so on: a model for features, with the whole one's names.
  int64_t first_layer = 0;
  ClassifierOptions classifier = {};
};

/// x (N, H, W, 3), or features as ResNetOptions::first_layer says, of at least 33 pixels a side in
/// training, to logits (N, num_classes).
class ResNet final : public Module {
 public:
  explicit ResNet(const ResNetOptions& options = {});
  Tensor forward(const Tensor& x) override;
  void visit(Visitor& visitor) override;
  std::string kind() const override { return "ResNet"; }

 private:
  void add_layer(Sequential& layer, const ResNetOptions& options, int64_t planes, int64_t blocks,
                 int64_t stride);

  int64_t first_layer_;
  int64_t channels_ = 64;  // that come out of what has been built so far
  Conv2d conv1_;
  BatchNorm2d bn1_;
  std::array<Sequential, 4> layers_;  // layer1 to layer4
  Classifier fc_;
};

}  // namespace lathe
