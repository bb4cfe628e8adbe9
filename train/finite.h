// Whether numbers are all finite: looked at before weights are kept or written.
#pragma once

#include "tensor/tensor.h"

namespace lathe {

/// True when no element is NaN or Inf. f32 or f64, any device; as fast as memory.
bool all_finite(const Tensor& x);

}  // namespace lathe
