// Reductions: sums over the leading dimension (a bias's gradient), and sums, means, largest values
// and their places over the last dimension or, with the tensor seen as one row, over everything.
// And the opposite, which is their gradient: repeating a value.
#pragma once

#include "tensor/kernel.h"

namespace lathe::kernels {

/// y[c] = sum over r of x[r, c]; y (C,) and x with C columns in its last dimension, all others
/// being rows. Floating types.
DECLARE_KERNEL(sum_rows, Tensor& y, const Tensor& x);

/// y[r] = scale * (sum over c of x[r, c]). x has as many rows as y has elements. Floating types.
DECLARE_KERNEL(sum_columns, Tensor& y, const Tensor& x, double scale);

/// y[r] = the largest of x[r, :] and index[r] (i64) = its place, the first of equals. A NaN counts
/// as the largest, as in PyTorch. y or index may be absent. x has at least one column.
DECLARE_KERNEL(max_columns, Tensor& y, Tensor& index, const Tensor& x);

/// x[r, c] = scale * y[r]: the gradient of sum_columns.
DECLARE_KERNEL(repeat_columns, Tensor& x, const Tensor& y, double scale);
/// x[r, c] = scale * y[c]: the gradient of sum_rows.
DECLARE_KERNEL(repeat_rows, Tensor& x, const Tensor& y, double scale);
/// x[r, c] = y[r] where c = index[r], else 0: the gradient of max_columns.
DECLARE_KERNEL(place_columns, Tensor& x, const Tensor& y, const Tensor& index);

/// Rows and columns as these kernels see a tensor.
struct Rows {
  int64_t rows, columns;
};
/// x as `rows` rows; throws, naming the kernel, unless its elements divide among them.
Rows rows_of(const char* kernel, const Tensor& x, int64_t rows);
/// x as rows of `columns` elements.
Rows columns_of(const char* kernel, const Tensor& x, int64_t columns);

}  // namespace lathe::kernels
