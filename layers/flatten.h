// Other shapes for the same elements, differentiably. Nothing is copied, except when an image is
// flattened: the result shares its elements with x.
#pragma once

#include "layers/module.h"

namespace lathe {

/// x's elements under a shape of as many.
Tensor reshape(const Tensor& x, const Shape& shape);
/// Dimensions start to end (inclusive, counted from the end when negative) become one. Those of an
/// image (N, H, W, C) from 1 on come in the order C, H, W, so that a Linear after it has PyTorch's
/// weights.
Tensor flatten(const Tensor& x, int start = 0, int end = -1);

/// (N, ...) to (N, product of the others), or other dimensions of one's choice.
class Flatten final : public Module {
 public:
  explicit Flatten(int start = 1, int end = -1) : start_(start), end_(end) {}
  Tensor forward(const Tensor& x) override { return flatten(x, start_, end_); }
  void visit(Visitor&) override {}
  std::string kind() const override { return "Flatten"; }
  std::string details() const override { return concat("start_dim=", start_, ", end_dim=", end_); }

 private:
  int start_, end_;
};

}  // namespace lathe
