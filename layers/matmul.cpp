#include "layers/matmul.h"

#include "kernels/matmul.h"
#include "tensor/tape.h"

namespace lathe {

Tensor matmul(const Tensor& a, const Tensor& b, MatmulTransposes transpose) {
  const int rank = a.rank();
  LATHE_CHECK((rank == 2 || rank == 3) && b.rank() == rank,
              "matmul: expects two matrices or two batches of matrices, got ", a.shape(), " and ",
              b.shape());
  LATHE_CHECK(a.dim(transpose.a ? -2 : -1) == b.dim(transpose.b ? -1 : -2) &&
                  (rank == 2 || a.dim(0) == b.dim(0)),
              "matmul: ", a.shape(), transpose.a ? " transposed" : "", " does not fit ", b.shape(),
              transpose.b ? " transposed" : "");
  const Shape shape =
      a.shape().with(-2, a.dim(transpose.a ? -1 : -2)).with(-1, b.dim(transpose.b ? -2 : -1));
  Tensor c = Tensor::empty(shape, a.dtype(), a.device());
  kernels::matmul(c, a, b, {}, {.transpose_a = transpose.a, .transpose_b = transpose.b});
  return record(
      "matmul", c, {a, b},
      [a = a.detach(), b = b.detach(), transpose](const Tensor& dc, const Needs& needs) -> Grads {
        const auto [ta, tb] = transpose;
        Grads grads(2);
        if (needs[0]) {  // da = dc op(b)ᵀ, or its transpose op(b) dcᵀ
          grads[0] = needs.out(0);
          ta ? kernels::matmul(grads[0], b, dc, {}, {.transpose_a = tb, .transpose_b = true})
             : kernels::matmul(grads[0], dc, b, {}, {.transpose_b = !tb});
        }
        if (needs[1]) {  // db = op(a)ᵀ dc, or its transpose dcᵀ op(a)
          grads[1] = needs.out(1);
          tb ? kernels::matmul(grads[1], dc, a, {}, {.transpose_a = true, .transpose_b = ta})
             : kernels::matmul(grads[1], a, dc, {}, {.transpose_a = !ta});
        }
        return grads;
      });
}

}  // namespace lathe
