// Passes over the weights on the device.
//   g += l1 sign(w)          a += (1 - decay) (x - a)
// Sources: kernels/weight_passes.h. Layout: flat arrays, in any order of the parameters.
// In f32 8 bytes are read and 4 written an element for two or three operations: only how fast
// memory is driven counts, which both rungs do with the loops of kernels/map.cuh:
//   element  one thread an element. Neighbouring threads have neighbouring elements, so a warp asks
//            for 128 bytes at once, but each thread pays for its index and its launch for 4 bytes
//   vector   16 bytes an access: a quarter of the instructions and four times the bytes in flight,
//            from no more blocks than keep the device busy, each thread going on to further
//            elements. Declined where an array does not begin at a multiple of 16 bytes
#include "kernels/weight_passes.h"

#include "kernels/map.cuh"
#include "kernels/optimizer.h"

namespace lathe::kernels {
namespace {

/// The hyper-parameters are read on the device, so that a captured graph runs with new ones.
template <class T>
struct AddSign {
  const Hyper* hyper;
  __device__ T operator()(T g, T w) const {
    const T l1 = T(hyper->l1);
    return g + (w > T(0) ? l1 : w < T(0) ? -l1 : T(0));
  }
};

template <class T>
struct MoveTowards {
  T share;
  __device__ T operator()(T a, T x) const { return a + share * (x - a); }
};

template <Rung rung>
void add_l1_gradient_by(Tensor& grads, const Tensor& params, const Tensor& hyper) {
  dispatch_float("add_l1_gradient", grads.dtype(), [&]<class T>() {
    map<rung>(grads.numel(), AddSign<T>{reinterpret_cast<const Hyper*>(hyper.data<double>())},
              grads.data<T>(), Each<T>{grads.data<T>()}, Each<T>{params.data<T>()});
  });
}

template <Rung rung>
void update_average_by(Tensor& average, const Tensor& x, double decay) {
  dispatch_float("update_average", average.dtype(), [&]<class T>() {
    map<rung>(average.numel(), MoveTowards<T>{T(1 - decay)}, average.data<T>(),
              Each<T>{average.data<T>()}, Each<T>{x.data<T>()});
  });
}

Fit fits_l1(Tensor& grads, const Tensor& params, const Tensor&) {
  return fits_vector(grads, params);
}
Fit fits_average(Tensor& average, const Tensor& x, double) { return fits_vector(average, x); }

}  // namespace

REGISTER_KERNELS(add_l1_gradient, cuda, tuned,
                 {"vector", add_l1_gradient_by<Rung::vector>, fits_l1},
                 {"element", add_l1_gradient_by<Rung::element>});
REGISTER_KERNELS(update_average, cuda, tuned,
                 {"vector", update_average_by<Rung::vector>, fits_average},
                 {"element", update_average_by<Rung::element>});

}  // namespace lathe::kernels
