// The differentiable change of shape.
#pragma once

#include "tensor/tensor.h"

namespace lathe {

/// The same elements under another shape of as many; the gradient is reshaped back. Shares memory.
Tensor reshape(const Tensor& x, const Shape& shape);

}  // namespace lathe
