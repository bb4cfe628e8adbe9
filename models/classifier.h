// What ends a classifying model: from features to logits, by one Linear or by the head that
// fine-tuning puts in its place.
#pragma once

#include <memory>
#include <vector>

#include "layers/activation.h"
#include "layers/linear.h"
#include "models/registry.h"

namespace lathe {

struct ClassifierOptions {
  int64_t num_classes = 1000;
  std::vector<int64_t> hidden = {};  ///< outputs of Linear layers with ReLU before the last
  double dropout = 0;                ///< in training, before the last Linear
};

/// What a model's options num_classes, head (hidden) and dropout say.
ClassifierOptions classifier_options(ModelOptions& options, ClassifierOptions defaults = {});

/// x (N, features) to logits (N, num_classes). Named and printed as the Linear that it is, or with
/// hidden layers as Sequential(Linear, ReLU, …, Linear): fc.0, fc.2. Dropout has no name.
class Classifier final : public Module {
 public:
  Classifier(int64_t features, const ClassifierOptions& options);
  Tensor forward(const Tensor& x) override;
  void visit(Visitor& visitor) override;
  std::string kind() const override { return hidden_.empty() ? last_->kind() : "Sequential"; }
  std::string details() const override { return hidden_.empty() ? last_->details() : ""; }
  bool is_linear() const { return hidden_.empty(); }
  Linear& last() { return *last_; }

 private:
  std::vector<std::unique_ptr<Linear>> hidden_;
  std::unique_ptr<Linear> last_;
  ReLU relu_;  // for print(): the kernels have it inside
  double dropout_;
  uint32_t op_ = 0;
};

}  // namespace lathe
