// The differentiable matrix product.
#pragma once

#include "tensor/tensor.h"

namespace lathe {

struct MatmulTransposes {
  bool a = false;  ///< a is stored (K, M)
  bool b = false;  ///< b is stored (N, K)
};

/// op(a) op(b), (M, N), with op(a) (M, K) and op(b) (K, N); or batches of these, with one leading
/// dimension that both share.
Tensor matmul(const Tensor& a, const Tensor& b, MatmulTransposes transpose = {});

}  // namespace lathe
