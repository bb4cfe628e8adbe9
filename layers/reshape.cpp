#include "layers/reshape.h"

#include "tensor/tape.h"

namespace lathe {

Tensor reshape(const Tensor& x, const Shape& shape) {
  return record(
      "reshape", x.reshape(shape), {x},
      [from = x.shape()](const Tensor& dy, const Needs&) -> Grads { return {dy.reshape(from)}; });
}

}  // namespace lathe
