// A multi-layer perceptron of any sizes: the MNIST recipe's 784-512-256-10, and the body of the
// landmark detector.
#pragma once

#include <memory>
#include <vector>

#include "layers/linear.h"

namespace lathe {

struct MlpOptions {
  int64_t inputs = 784;  ///< features of a sample, all dimensions but the first taken together
  std::vector<int64_t> hidden = {512, 256};
  int64_t outputs = 10;
};

/// Linear layers fc1, fc2, … with ReLU between. x (B, …) to logits (B, outputs).
class Mlp final : public Module {
 public:
  explicit Mlp(const MlpOptions& options = {});
  Tensor forward(const Tensor& x) override;
  void visit(Visitor& visitor) override;
  std::string kind() const override { return "Mlp"; }

 private:
  std::vector<std::unique_ptr<Linear>> layers_;
};

}  // namespace lathe
