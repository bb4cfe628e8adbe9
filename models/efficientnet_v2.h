// EfficientNetV2 (Tan and Le, arXiv:2104.00298) as timm builds its tf_efficientnetv2 models, with
// its names and shapes: TensorFlow's padding, and batch norm with eps 1e-3. torchvision's
// efficientnet_v2 has other names.
#pragma once

#include <vector>

#include "layers/sequential.h"
#include "models/classifier.h"
#include "models/efficientnet_blocks.h"

namespace lathe {

struct EfficientNetV2Options {
  enum class Block { conv, fused, inverted };  ///< ConvBnAct, EdgeResidual, InvertedResidual
  struct Stage {
    Block block;
    int64_t repeats, channels, stride, expansion;
  };
  std::vector<Stage> stages;
  ClassifierOptions classifier = {};
  /// Stochastic depth of the last block, had it a successor; it grows evenly from 0 at the first.
  double drop_path = 0;
};

/// x (N, H, W, 3) to logits (N, num_classes).
class EfficientNetV2 final : public Module {
 public:
  explicit EfficientNetV2(const EfficientNetV2Options& options);
  Tensor forward(const Tensor& x) override;
  void visit(Visitor& visitor) override;
  std::string kind() const override { return "EfficientNet"; }

 private:
  Conv2d conv_stem_;
  BatchNorm2d bn1_;
  Sequential blocks_;  // a Sequential of blocks for each stage
  Conv2d conv_head_;
  BatchNorm2d bn2_;
  Classifier classifier_;
};

}  // namespace lathe
