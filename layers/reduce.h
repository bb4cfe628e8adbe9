// Differentiable reductions: over all elements, over the last dimension, or (sum, mean) over the
// first.
#pragma once

#include "tensor/tensor.h"

namespace lathe {

/// The dimension that a reduction removes; `all` gives shape ().
enum class Over : uint8_t { all, first, last };

Tensor sum(const Tensor& x, Over over = Over::all);
/// NaN over no elements.
Tensor mean(const Tensor& x, Over over = Over::all);
/// The largest element, all or of each row of the last dimension; NaN where there is one. The
/// gradient goes to the first of equals. Throws over no elements, and for Over::first.
Tensor max(const Tensor& x, Over over = Over::all);
/// Places (i64) of the largest elements in their rows, or in all of x. No gradient.
Tensor argmax(const Tensor& x, Over over = Over::last);

}  // namespace lathe
