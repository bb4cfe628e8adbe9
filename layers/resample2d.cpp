#include "layers/resample2d.h"

#include "tensor/tape.h"

namespace lathe {

Tensor resample2d(const char* op, const Tensor& x, const kernels::Resample2d& map) {
  Tensor y =
      Tensor::empty({x.dim(0), map.rows_out(), map.columns_out(), x.dim(3)}, x.dtype(), x.device());
  kernels::resample2d(y, x, map);
  return record(op, y, {x}, [map](const Tensor& dy, const Needs& needs) -> Grads {
    kernels::Resample2d back = map;
    back.transposed = true;
    Tensor dx = needs.out(0);
    kernels::resample2d(dx, dy, back);
    return {dx};
  });
}

}  // namespace lathe
