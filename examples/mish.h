// An op of one's own, outside the library: mish(x) = x tanh(ln(1 + eˣ)) (Misra 2019), with a kernel
// table of its own.
#pragma once

#include "tensor/kernel.h"

namespace mish_example {

DECLARE_KERNEL(mish_forward, lathe::Tensor& y, const lathe::Tensor& x);
DECLARE_KERNEL(mish_backward, lathe::Tensor& dx, const lathe::Tensor& dy, const lathe::Tensor& x);

/// The op: any shape, f32 or f64.
lathe::Tensor mish(const lathe::Tensor& x);

}  // namespace mish_example
