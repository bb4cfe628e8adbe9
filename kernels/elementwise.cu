// Elementwise ops on the device.
//   y = f(x)          dx = dy f'(s), s being x or y
//   y = f(a, b)       da = dy f_a(a, b)       db = sum over rows of dy f_b(a, b)
// Layout: flat arrays; b is repeated every b.numel() elements. The ops themselves, with their
// sources, are in kernels/elementwise.h.
// Ladder of the maps (kernels/map.cuh): element, grid_stride, vector; relu and add have all three,
// the other ops the two that get used, since each takes its time to compile. Ladder of db: column,
// one thread a column, adds its rows one after another, so few columns leave the device idle; tile,
// 8 threads a column share its rows and meet in shared memory. Both add in a fixed order.
#include "kernels/elementwise.h"

#include "kernels/convert.h"
#include "kernels/map.cuh"

namespace lathe::kernels {
namespace {

// What a thread does with the elements that it has read: in acc_t<T>, whatever T is.
template <class T, class Op>
struct Value {
  Op op;
  template <class... In>
  __device__ T operator()(In... x) const {
    return convert<T>(op.value(convert<acc_t<T>>(x)...));
  }
};
template <class T, class Op>
struct Slope {
  Op op;
  __device__ T operator()(T dy, T saved) const {
    return convert<T>(convert<acc_t<T>>(dy) * op.slope(convert<acc_t<T>>(saved)));
  }
};
template <class T, class Op>
struct SlopeA {
  Op op;
  __device__ T operator()(T dy, T a, T b) const {
    return convert<T>(convert<acc_t<T>>(dy) *
                      op.slope_a(convert<acc_t<T>>(a), convert<acc_t<T>>(b)));
  }
};

template <Rung rung, class Op>
void unary_forward_by(Tensor& y, const Tensor& x, Op op) {
  dispatch_floating(Op::name, x.dtype(), [&]<class T>() {
    map<rung>(x.numel(), Value<T, Op>{op}, y.data<T>(), Each<T>{x.data<T>()});
  });
}

template <Rung rung, class Op>
void unary_backward_by(Tensor& dx, const Tensor& dy, const Tensor& saved, Op op) {
  dispatch_floating(Op::name, dy.dtype(), [&]<class T>() {
    map<rung>(dy.numel(), Slope<T, Op>{op}, dx.data<T>(), Each<T>{dy.data<T>()},
              Each<T>{saved.data<T>()});
  });
}

/// Calls f with a view of b as the op sees it: as large as a, or repeated.
template <class T, class F>
void with_operand(const Tensor& a, const Tensor& b, const F& f) {
  if (a.numel() == b.numel())
    f(Each<T>{b.data<T>()});
  else
    f(Repeated<T>{b.data<T>(), size_t(b.numel())});
}

template <Rung rung, class Op>
void binary_forward_by(Tensor& y, const Tensor& a, const Tensor& b, Op op) {
  dispatch_floating(Op::name, a.dtype(), [&]<class T>() {
    with_operand<T>(a, b, [&](auto operand) {
      map<rung>(a.numel(), Value<T, Op>{op}, y.data<T>(), Each<T>{a.data<T>()}, operand);
    });
  });
}

template <Rung rung, class Op>
void binary_backward_a_by(Tensor& da, const Tensor& dy, const Tensor& a, const Tensor& b, Op op) {
  dispatch_floating(Op::name, a.dtype(), [&]<class T>() {
    with_operand<T>(a, b, [&](auto operand) {
      map<rung>(a.numel(), SlopeA<T, Op>{op}, da.data<T>(), Each<T>{dy.data<T>()},
                Each<T>{a.data<T>()}, operand);
    });
  });
}

template <class T, class Op>
__global__ void sum_column(size_t rows, size_t columns, Op op, T* db, const T* dy, const T* a,
                           const T* b) {
  const size_t column = first_element();
  if (column >= columns) return;
  const auto right = convert<acc_t<T>>(b[column]);
  acc_t<T> sum = 0;
  for (size_t i = column; i < rows * columns; i += columns)
    sum = math::fma(convert<acc_t<T>>(dy[i]), op.slope_b(convert<acc_t<T>>(a[i]), right), sum);
  db[column] = convert<T>(sum);
}

constexpr int tile_columns = 32, tile_rows = 8;

/// Blocks of 32 columns by 8 threads, each of which takes every 8th row.
template <class T, class Op>
__global__ void sum_tile(size_t rows, size_t columns, Op op, T* db, const T* dy, const T* a,
                         const T* b) {
  SHARED(acc_t<T>, partial, [tile_rows][tile_columns]);
  const size_t column = size_t(blockIdx.x) * tile_columns + threadIdx.x;
  acc_t<T> sum = 0;
  if (column < columns) {
    const auto right = convert<acc_t<T>>(b[column]);
    for (size_t row = threadIdx.y; row < rows; row += tile_rows) {
      const size_t i = row * columns + column;
      sum = math::fma(convert<acc_t<T>>(dy[i]), op.slope_b(convert<acc_t<T>>(a[i]), right), sum);
    }
  }
  partial[threadIdx.y][threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.y != 0 || column >= columns) return;
  for (int k = 1; k < tile_rows; ++k) sum += partial[k][threadIdx.x];
  db[column] = convert<T>(sum);
}

template <bool tiled, class Op>
void binary_backward_b_by(Tensor& db, const Tensor& dy, const Tensor& a, const Tensor& b, Op op) {
  if (b.numel() == 0) return;
  const size_t columns = size_t(b.numel()), rows = size_t(a.numel()) / columns;
  dispatch_floating(Op::name, a.dtype(), [&]<class T>() {
    if constexpr (tiled)
      launch(sum_tile<T, Op>, ceil_div(b.numel(), tile_columns), dim3(tile_columns, tile_rows), 0,
             rows, columns, op, db.data<T>(), dy.data<T>(), a.data<T>(), b.data<T>());
    else
      launch(sum_column<T, Op>, ceil_div(b.numel(), 256), 256, 0, rows, columns, op, db.data<T>(),
             dy.data<T>(), a.data<T>(), b.data<T>());
  });
}

template <class Op>
Fit fits_unary(Tensor& y, const Tensor& x, Op) {
  return fits_vector(y, x);
}
template <class Op>
Fit fits_three(Tensor& y, const Tensor& a, const Tensor& b, Op) {
  return a.numel() == b.numel() ? fits_vector(y, a, b) : fits_vector(y, a);
}
template <class Op>
Fit fits_four(Tensor& da, const Tensor& dy, const Tensor& a, const Tensor& b, Op) {
  return a.numel() == b.numel() ? fits_vector(da, dy, a, b) : fits_vector(da, dy, a);
}

constexpr Rank rank = Rank::tuned;

// Kernels are named through the template's Op alone: a variable template that nvcc sees named with
// its type (unary_forward<Relu>) gets a copy in this library that others do not share.
template <class Op>
void add_unary() {
  unary_forward<Op>.add(Device::cuda, rank,
                        {{"vector", unary_forward_by<Rung::vector, Op>, fits_unary<Op>},
                         {"element", unary_forward_by<Rung::element, Op>}});
  unary_backward<Op>.add(Device::cuda, rank,
                         {{"vector", unary_backward_by<Rung::vector, Op>, fits_three<Op>},
                          {"element", unary_backward_by<Rung::element, Op>}});
  if constexpr (std::is_same_v<Op, Relu>)
    unary_forward<Op>.add(Device::cuda, rank,
                          {{"grid_stride", unary_forward_by<Rung::grid_stride, Op>}});
}
template <class Op>
void add_binary() {
  binary_forward<Op>.add(Device::cuda, rank,
                         {{"vector", binary_forward_by<Rung::vector, Op>, fits_three<Op>},
                          {"element", binary_forward_by<Rung::element, Op>}});
  binary_backward_b<Op>.add(
      Device::cuda, rank,
      {{"tile", binary_backward_b_by<true, Op>}, {"column", binary_backward_b_by<false, Op>}});
  if constexpr (std::is_same_v<Op, Add>)
    binary_forward<Op>.add(Device::cuda, rank,
                           {{"grid_stride", binary_forward_by<Rung::grid_stride, Op>}});
}
template <class Op>
void add_product() {
  binary_backward_a<Op>.add(Device::cuda, rank,
                            {{"vector", binary_backward_a_by<Rung::vector, Op>, fits_four<Op>},
                             {"element", binary_backward_a_by<Rung::element, Op>}});
}
template <class... Unary, class... Binary, class... Products>
bool add_all(OpList<Unary...>, OpList<Binary...>, OpList<Products...>) {
  (add_unary<Unary>(), ...);
  (add_binary<Binary>(), ...);
  (add_product<Products>(), ...);
  return true;
}
[[maybe_unused]] const bool registered = add_all(UnaryOps{}, BinaryOps{}, ProductOps{});

}  // namespace
}  // namespace lathe::kernels
