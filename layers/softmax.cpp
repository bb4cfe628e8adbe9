#include "layers/softmax.h"

#include "kernels/softmax.h"
#include "tensor/tape.h"

namespace lathe {

Tensor softmax(const Tensor& x) {
  LATHE_CHECK(x.rank() >= 1, "softmax: expects at least one dimension, got shape ", x.shape());
  Tensor y = empty_like(x);
  kernels::softmax_forward(y, x);
  return record("softmax", y, {x}, [y = y.detach()](const Tensor& dy, const Needs& needs) -> Grads {
    Tensor dx = needs.out(0);
    kernels::softmax_backward(dx, dy, y);
    return {dx};
  });
}

Tensor log_softmax(const Tensor& x) {
  LATHE_CHECK(x.rank() >= 1, "log_softmax: expects at least one dimension, got shape ", x.shape());
  Tensor y = empty_like(x);
  kernels::log_softmax_forward(y, x);
  return record("log_softmax", y, {x},
                [y = y.detach()](const Tensor& dy, const Needs& needs) -> Grads {
                  Tensor dx = needs.out(0);
                  kernels::log_softmax_backward(dx, dy, y);
                  return {dx};
                });
}

}  // namespace lathe
