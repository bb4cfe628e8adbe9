// LeNet-5 (LeCun et al. 1998) with ReLU and max pooling, for 28 px digits.
#pragma once

#include "layers/conv2d.h"
#include "layers/linear.h"

namespace lathe {

/// x (N, 28, 28, 1), or IDX rows (N, 28, 28) or (N, 784), to logits (N, num_classes).
class LeNet final : public Module {
 public:
  explicit LeNet(int64_t num_classes = 10);
  Tensor forward(const Tensor& x) override;
  void visit(Visitor& visitor) override;
  std::string kind() const override { return "LeNet"; }

 private:
  Conv2d conv1_, conv2_;
  Linear fc1_, fc2_, fc3_;
};

}  // namespace lathe
