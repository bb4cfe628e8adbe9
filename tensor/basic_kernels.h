// The kernels that the tensor itself needs. Declared here, because tensor/ stands below kernels/;
// their rows are in kernels/basic.* and, of accumulate, in kernels/elementwise.*.
#pragma once

#include "tensor/kernel.h"
#include "tensor/tensor.h"

namespace lathe::kernels {

/// x = value, converted to x's type.
DECLARE_KERNEL(fill, Tensor& x, double value);
/// y = x; same type, as many elements; they may overlap.
DECLARE_KERNEL(copy, Tensor& y, const Tensor& x);
/// y = x converted to y's type, rounded to nearest even, to the 16-bit types by way of f32; floats
/// to integers truncate.
DECLARE_KERNEL(cast, Tensor& y, const Tensor& x);
/// sum = a + b; sum may be a or b. Floating types, equal shapes.
DECLARE_KERNEL(accumulate, Tensor& sum, const Tensor& a, const Tensor& b);

}  // namespace lathe::kernels
