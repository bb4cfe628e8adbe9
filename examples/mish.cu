// mish(x) = x tanh(ln(1 + eˣ)), one thread an element; arrays are dense. The first rung of a
// ladder: it reads and writes each element once, so vector loads are all that could be gained.
#include "kernels/device.cuh"
#include "mish.h"

namespace mish_example {
namespace {

using namespace lathe;
using kernels::ceil_div;
using kernels::launch;

template <class T>
__global__ void forward_map(T* y, const T* x, int64_t n) {
  const int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i < n) y[i] = x[i] * tanh(log1p(exp(x[i])));
}

void forward(Tensor& y, const Tensor& x) {
  if (x.numel() == 0) return;
  dispatch_float("mish", x.dtype(), [&]<class T>() {
    launch(forward_map<T>, dim3(unsigned(ceil_div(x.numel(), 256))), dim3(256), 0, y.data<T>(),
           x.data<T>(), x.numel());
  });
}

}  // namespace

REGISTER_KERNELS(mish_forward, cuda, tuned, {"map", forward});

}  // namespace mish_example
