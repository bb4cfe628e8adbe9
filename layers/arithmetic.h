// Arithmetic on tensors. The second operand has the first one's shape, or the shape of its trailing
// dimensions, and is then repeated over the leading ones (a bias). All take f32, f64, bf16 and f16,
// both operands of one type on one device, and are differentiable.
#pragma once

#include "tensor/tensor.h"

namespace lathe {

Tensor add(const Tensor& a, const Tensor& b);
Tensor sub(const Tensor& a, const Tensor& b);
Tensor mul(const Tensor& a, const Tensor& b);
Tensor div(const Tensor& a, const Tensor& b);

Tensor add(const Tensor& x, double term);
Tensor mul(const Tensor& x, double factor);
Tensor neg(const Tensor& x);
Tensor exp(const Tensor& x);
Tensor log(const Tensor& x);
Tensor sqrt(const Tensor& x);
Tensor square(const Tensor& x);
Tensor abs(const Tensor& x);

}  // namespace lathe
