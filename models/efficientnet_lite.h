// EfficientNet-Lite0: EfficientNet-B0 (Tan and Le, arXiv:1905.11946) without squeeze-and-excitation
// and with ReLU6, for processors without the rest. Names and shapes are those of PyPI's
// efficientnet-lite-pytorch.
#pragma once

#include "layers/batch_norm.h"
#include "layers/conv2d.h"
#include "layers/sequential.h"
#include "models/classifier.h"

namespace lathe {

struct EfficientNetLiteOptions {
  ClassifierOptions classifier = {.dropout = 0.2};
  /// Stochastic depth of the last block, had it a successor; it grows evenly from 0 at the first.
  double drop_path = 0.2;
};

/// x (N, H, W, 3), 224 x 224 usually, to logits (N, num_classes).
class EfficientNetLite final : public Module {
 public:
  explicit EfficientNetLite(const EfficientNetLiteOptions& options = {});
  Tensor forward(const Tensor& x) override;
  void visit(Visitor& visitor) override;
  std::string kind() const override { return "EfficientNet"; }

 private:
  Conv2d conv_stem_;
  BatchNorm2d bn0_;
  Sequential blocks_;
  Conv2d conv_head_;
  BatchNorm2d bn1_;
  Classifier fc_;
};

}  // namespace lathe
