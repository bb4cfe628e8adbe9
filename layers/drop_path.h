// Stochastic depth: in training, residual branches are left out of some samples of a batch.
#pragma once

#include "layers/module.h"

namespace lathe {

/// shortcut + x where a sample keeps its branch x, which then grows by 1 / (1 - p); shortcut where
/// it does not, with probability p. An absent shortcut is 0. The mask is that of the current step
/// (layers/random_state.h) and of stream `op`, a number for each op of a model. Equal floating
/// types and shapes, the first dimension being the samples.
Tensor drop_path(const Tensor& x, double p, uint32_t op, const Tensor& shortcut = {});

/// drop_path() in training, the identity in evaluation; timm's DropPath, torchvision's
/// StochasticDepth in mode "row". Takes its number when it is built, as Dropout does.
class DropPath final : public Module {
 public:
  explicit DropPath(double p = 0);
  Tensor forward(const Tensor& x) override { return active() ? drop_path(x, p_, op_) : x; }
  /// Whether forward() is not the identity.
  bool active() const { return training() && p_ > 0; }
  /// shortcut + forward(x), in one pass.
  Tensor add_to(const Tensor& shortcut, const Tensor& x) const;
  void visit(Visitor&) override {}
  std::string kind() const override { return "DropPath"; }
  std::string details() const override;

 private:
  double p_;
  uint32_t op_;
};

}  // namespace lathe
