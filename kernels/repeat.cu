// The gradients of reductions, on the device (declared in kernels/reduce.h).
//   repeat_columns  x[r, c] = scale * y[r]
//   repeat_rows     x[r, c] = scale * y[c]
//   place_columns   x[r, c] = y[r] where c = index[r], else 0
// Layout: x is row-major, and is only written: the rest comes from cache. A thread that knows its
// element must divide by the number of columns to find its row, which costs more than the store.
// Ladder (kernels/map.cuh):
//   element  one element a thread: a division and a store of one element each
//   vector   16 bytes a store, and one division for them where the row is then counted on
#include "kernels/map.cuh"
#include "kernels/reduce.h"

namespace lathe::kernels {
namespace {

/// Element i of a matrix of which all elements of a row are equal.
template <class T>
struct Spread {
  using Element = T;
  const T* elements;
  size_t columns;
  __device__ T at(size_t i) const { return elements[i / columns]; }
  template <int N>
  __device__ Vector<T, N> vector_at(size_t i) const {
    Vector<T, N> v;
    size_t row = i / columns, column = i % columns;
    UNROLL
    for (int k = 0; k < N; ++k) {
      v[k] = elements[row];
      if (++column == columns) {
        column = 0;
        ++row;
      }
    }
    return v;
  }
};

/// Element i of a matrix that is zero but for one place in each row.
template <class T>
struct Placed {
  using Element = T;
  const T* elements;
  const int64_t* index;
  size_t columns;
  __device__ T at(size_t i) const {
    const size_t row = i / columns;
    return size_t(index[row]) == i % columns ? elements[row] : T(0.0f);
  }
  template <int N>
  __device__ Vector<T, N> vector_at(size_t i) const {
    Vector<T, N> v;
    UNROLL
    for (int k = 0; k < N; ++k) v[k] = at(i + size_t(k));
    return v;
  }
};

template <class T>
struct Scale {
  acc_t<T> scale;
  __device__ T operator()(T x) const { return T(scale * acc_t<T>(x)); }
};
template <class T>
struct Same {
  __device__ T operator()(T x) const { return x; }
};

template <Rung rung>
void repeat_columns_by(Tensor& x, const Tensor& y, double scale) {
  const Rows s = rows_of("repeat_columns", x, y.numel());
  dispatch_floating("repeat_columns", x.dtype(), [&]<class T>() {
    map<rung>(x.numel(), Scale<T>{acc_t<T>(scale)}, x.data<T>(),
              Spread<T>{y.data<T>(), size_t(s.columns)});
  });
}

template <Rung rung>
void repeat_rows_by(Tensor& x, const Tensor& y, double scale) {
  const Rows s = columns_of("repeat_rows", x, y.numel());
  dispatch_floating("repeat_rows", x.dtype(), [&]<class T>() {
    map<rung>(x.numel(), Scale<T>{acc_t<T>(scale)}, x.data<T>(),
              Repeated<T>{y.data<T>(), size_t(s.columns)});
  });
}

template <Rung rung>
void place_columns_by(Tensor& x, const Tensor& y, const Tensor& index) {
  const Rows s = rows_of("place_columns", x, y.numel());
  dispatch_floating("place_columns", x.dtype(), [&]<class T>() {
    map<rung>(x.numel(), Same<T>{}, x.data<T>(),
              Placed<T>{y.data<T>(), index.data<int64_t>(), size_t(s.columns)});
  });
}

Fit fits_repeat(Tensor& x, const Tensor&, double) { return fits_vector(x); }
Fit fits_place(Tensor& x, const Tensor&, const Tensor&) { return fits_vector(x); }

}  // namespace

REGISTER_KERNELS(repeat_columns, cuda, tuned,
                 {"vector", repeat_columns_by<Rung::vector>, fits_repeat},
                 {"element", repeat_columns_by<Rung::element>});
REGISTER_KERNELS(repeat_rows, cuda, tuned, {"vector", repeat_rows_by<Rung::vector>, fits_repeat},
                 {"element", repeat_rows_by<Rung::element>});
REGISTER_KERNELS(place_columns, cuda, tuned, {"vector", place_columns_by<Rung::vector>, fits_place},
                 {"element", place_columns_by<Rung::element>});

}  // namespace lathe::kernels
