// relu_mask on the device (declared in kernels/matmul.h).
//   dz = 0 where y <= 0, else dy
// Layout: flat arrays. Bound by memory: 2 reads and a write an element.
// Ladder (kernels/map.cuh): element, one element a thread; vector, 16 bytes an access from as many
// blocks as keep the device busy.
#include "kernels/map.cuh"
#include "kernels/matmul.h"

namespace lathe::kernels {
namespace {

template <class T>
struct Mask {
  __device__ T operator()(T dy, T y) const { return acc_t<T>(y) <= 0 ? T(0.0f) : dy; }
};

template <Rung rung>
void relu_mask_by(Tensor& dz, const Tensor& dy, const Tensor& y) {
  LATHE_CHECK(dz.numel() == y.numel() && dy.numel() == y.numel(), "relu_mask: expects shape ",
              y.shape(), ", got ", dz.shape(), " and ", dy.shape());
  dispatch_floating("relu_mask", y.dtype(), [&]<class T>() {
    map<rung>(y.numel(), Mask<T>{}, dz.data<T>(), Each<T>{dy.data<T>()}, Each<T>{y.data<T>()});
  });
}

Fit fits_mask(Tensor& dz, const Tensor& dy, const Tensor& y) { return fits_vector(dz, dy, y); }

}  // namespace

REGISTER_KERNELS(relu_mask, cuda, tuned, {"vector", relu_mask_by<Rung::vector>, fits_mask},
                 {"element", relu_mask_by<Rung::element>});

}  // namespace lathe::kernels
