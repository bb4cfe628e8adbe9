// Matrix product with an epilogue: the forward and backward of Linear, and attention's and
// recurrent layers' products. Both operands may be transposed, and may be batches of matrices.
#pragma once

#include "tensor/kernel.h"

namespace lathe::kernels {

/// What happens to each element of the product before it is written. An absent bias counts as 0.
enum class Epilogue : uint8_t { none, bias, bias_relu };

struct MatmulOptions {
  bool transpose_a = false;  ///< a is stored (K, M) instead of (M, K)
  bool transpose_b = false;  ///< b is stored (N, K) instead of (K, N), as a Linear's weight is
  Epilogue epilogue = Epilogue::none;
};

/// c = epilogue(op(a) op(b) + bias)
///   c (M, N); op(a) (M, K); op(b) (K, N); bias (N,) or absent; or c, a and b with the same leading
///   dimension, a batch of such products. bias_relu: max(0, .), NaN stays NaN.
/// One floating type for all; 16-bit types sum in f32. K may be 0. c shares no memory with the
/// others. Results are the same bytes for the same number of threads.
DECLARE_KERNEL(matmul, Tensor& c, const Tensor& a, const Tensor& b, const Tensor& bias,
               MatmulOptions options);

/// The extents of a product.
struct MatmulShape {
  int64_t batch = 1, m = 0, n = 0, k = 0;
};

/// The extents; throws unless shapes and types fit as above. For rows and their `fits`.
MatmulShape matmul_shape(const Tensor& c, const Tensor& a, const Tensor& b, const Tensor& bias,
                         MatmulOptions options);

/// dz = dy where y > 0, else 0: what bias_relu's backward does first. Equal shapes and floating
/// types; dz may be dy.
DECLARE_KERNEL(relu_mask, Tensor& dz, const Tensor& dy, const Tensor& y);

}  // namespace lathe::kernels
