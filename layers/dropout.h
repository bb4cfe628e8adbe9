// Dropout: in training, elements become 0 with probability p, and the others grow by 1 / (1 - p).
#pragma once

#include "layers/module.h"

namespace lathe {

/// x with the mask of the current step (layers/random_state.h) and of stream `op`: each op of a
/// model needs a number of its own. p in [0, 1]; x floating, of any shape. The backward computes
/// the mask again, so the step must still be the same.
Tensor dropout(const Tensor& x, double p, uint32_t op);

/// dropout() in training, the identity in evaluation; torch.nn.Dropout. Takes its number when it is
/// built, so a model built in the same order after the same manual_seed draws the same masks.
class Dropout final : public Module {
 public:
  explicit Dropout(double p = 0.5);
  Tensor forward(const Tensor& x) override { return training() ? dropout(x, p_, op_) : x; }
  void visit(Visitor&) override {}
  std::string kind() const override { return "Dropout"; }
  std::string details() const override;

 private:
  double p_;
  uint32_t op_;
};

}  // namespace lathe
