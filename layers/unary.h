// A unary elementwise kernel as a differentiable op; activation.cpp and arithmetic.cpp are made of
// it.
#pragma once

#include "kernels/elementwise.h"
#include "tensor/tape.h"

namespace lathe {

template <class Op>
Tensor unary(const Tensor& x, Op op) {
  LATHE_CHECK(is_floating(x.dtype()), Op::name, ": expects a floating type, got ", x.dtype());
  Tensor y = empty_like(x);
  kernels::unary_forward<Op>(y, x, op);
  const Tensor& saved = Op::saved == kernels::Saved::output ? y : x;
  return record(Op::name, y, {x},
                [saved = saved.detach(), op](const Tensor& dy, const Needs& needs) -> Grads {
                  Tensor dx = needs.out(0);
                  kernels::unary_backward<Op>(dx, dy, saved, op);
                  return {dx};
                });
}

}  // namespace lathe
