// A small network for images of any size, to be trained from scratch.
#pragma once

#include <array>

#include "layers/conv_norm.h"
#include "models/classifier.h"

namespace lathe {

/// Four times 3x3 convolution without bias (16, 32, 64, 128 channels), batch norm, ReLU and 2x2 max
/// pooling; the mean over all places; Linear. x (N, H, W, 3), of 16 pixels a side or more, to
/// logits (N, num_classes). Tensors: conv1 … conv4, bn1 … bn4, fc.
class SmallCnn final : public Module {
 public:
  explicit SmallCnn(const ClassifierOptions& options = {.num_classes = 2});
  Tensor forward(const Tensor& x) override;
  void visit(Visitor& visitor) override;
  std::string kind() const override { return "SmallCnn"; }

 private:
  std::array<Conv2d, 4> convs_;
  std::array<BatchNorm2d, 4> norms_;
  Classifier fc_;
};

}  // namespace lathe
