// fill, copy, cast and accumulate on the device (declared in tensor/basic_kernels.h).
//   x = value        y = x        y = T(x)        sum = a + b
// Layout: flat arrays. Bound by memory: only the number and the size of accesses count.
// Ladder (kernels/map.cuh): element, one element a thread; vector, 16 bytes an access from as many
// blocks as keep the device busy.
#include "tensor/basic_kernels.h"

#include "kernels/convert.h"
#include "kernels/map.cuh"

namespace lathe::kernels {
namespace {

template <class T>
struct Constant {
  T value;
  __device__ T operator()() const { return value; }
};

template <class To>
struct Convert {
  template <class From>
  __device__ To operator()(From x) const {
    return convert<To>(x);
  }
};

template <class T>
struct Add {
  __device__ T operator()(T a, T b) const { return T(acc_t<T>(a) + acc_t<T>(b)); }
};

template <Rung rung>
void fill_by(Tensor& x, double value) {
  dispatch_all(x.dtype(), [&]<class T>() {
    map<rung>(x.numel(), Constant<T>{convert<T>(value)}, x.data<T>());
  });
}

/// Calls f with an unsigned type of the elements' size: a copy moves bits.
template <class F>
void dispatch_size(int64_t size, const F& f) {
  if (size == 8) return f.template operator()<uint64_t>();
  if (size == 4) return f.template operator()<uint32_t>();
  if (size == 2) return f.template operator()<uint16_t>();
  f.template operator()<uint8_t>();
}

template <Rung rung>
void copy_by(Tensor& y, const Tensor& x) {
  dispatch_size(size_of(x.dtype()), [&]<class T>() {
    map<rung>(x.numel(), Convert<T>{}, reinterpret_cast<T*>(y.raw()),
              Each<T>{reinterpret_cast<const T*>(x.raw())});
  });
}

template <Rung rung>
void cast_by(Tensor& y, const Tensor& x) {
  dispatch_all(x.dtype(), [&]<class From>() {
    dispatch_all(y.dtype(), [&]<class To>() {
      map<rung>(x.numel(), Convert<To>{}, y.data<To>(), Each<From>{x.data<From>()});
    });
  });
}

template <Rung rung>
void accumulate_by(Tensor& sum, const Tensor& a, const Tensor& b) {
  dispatch_floating("accumulate", sum.dtype(), [&]<class T>() {
    map<rung>(sum.numel(), Add<T>{}, sum.data<T>(), Each<T>{a.data<T>()}, Each<T>{b.data<T>()});
  });
}

Fit fits_fill(Tensor& x, double) { return fits_vector(x); }
Fit fits_pair(Tensor& y, const Tensor& x) { return fits_vector(y, x); }
Fit fits_sum(Tensor& sum, const Tensor& a, const Tensor& b) { return fits_vector(sum, a, b); }

}  // namespace

REGISTER_KERNELS(fill, cuda, tuned, {"vector", fill_by<Rung::vector>, fits_fill},
                 {"element", fill_by<Rung::element>});
REGISTER_KERNELS(copy, cuda, tuned, {"vector", copy_by<Rung::vector>, fits_pair},
                 {"element", copy_by<Rung::element>});
REGISTER_KERNELS(cast, cuda, tuned, {"vector", cast_by<Rung::vector>, fits_pair},
                 {"element", cast_by<Rung::element>});
REGISTER_KERNELS(accumulate, cuda, tuned, {"vector", accumulate_by<Rung::vector>, fits_sum},
                 {"element", accumulate_by<Rung::element>});

}  // namespace lathe::kernels
