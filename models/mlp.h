// A multi-layer perceptron of any sizes: the MNIST recipe's 784-512-256-10, the body of the
// landmark detector, and heads on features, which may be a single Linear.
#pragma once

#include <memory>
#include <vector>

#include "layers/linear.h"

namespace lathe {

struct MlpOptions {
  int64_t inputs = 784;  ///< features of a sample, all dimensions but the first taken together
  std::vector<int64_t> hidden = {512, 256};
  int64_t outputs = 10;
  double dropout = 0;  ///< in training, before each Linear
};

/// Linear layers fc1, fc2, … with ReLU between. x (B, …), of images in PyTorch's order C, H, W,
/// to logits (B, outputs).
class Mlp final : public Module {
 public:
  explicit Mlp(const MlpOptions& options = {});
  Tensor forward(const Tensor& x) override;
  void visit(Visitor& visitor) override;
  std::string kind() const override { return "Mlp"; }

 private:
  Tensor dropped(const Tensor& x, size_t layer) const;

  std::vector<std::unique_ptr<Linear>> layers_;
  double dropout_;
  std::vector<uint32_t> ops_;  // of the dropouts, one a layer
};

}  // namespace lathe
