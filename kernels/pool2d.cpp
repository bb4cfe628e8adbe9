// Max pooling on the CPU, reference rows: plain loops. Every element of a result is made by one
// thread, in the order of its window, so results do not depend on the number of threads.
#include "kernels/pool2d.h"

#include <cmath>

#include "tensor/parallel.h"

namespace lathe::kernels {

PoolExtents pool_extents(const Tensor& y, const Tensor& x, const Pool2dShape& s) {
  LATHE_CHECK(x.rank() == 4 && y.rank() == 4 && x.dim(0) == y.dim(0) && x.dim(3) == y.dim(3),
              "max_pool2d: expects images of one batch and as many channels, got ", x.shape(),
              " and ", y.shape());
  const auto axis = [](int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t pad) {
    return WindowAxis{int(in), int(out), int(kernel), int(stride), int(pad)};
  };
  return {axis(x.dim(1), y.dim(1), s.kernel_h, s.stride_h, s.pad_h),
          axis(x.dim(2), y.dim(2), s.kernel_w, s.stride_w, s.pad_w), x.dim(0), x.dim(3)};
}

namespace {

/// Calls f(image, row, column) for all pixels of `count` images.
template <class F>
void for_pixels(int64_t count, int rows, int columns, int64_t channels, const F& f) {
  const int64_t cost = std::max<int64_t>(1, columns * channels);
  parallel_for(0, count * rows, std::max<int64_t>(1, (1 << 12) / cost),
               [&](int64_t first, int64_t last) {
                 for (int64_t row = first; row < last; ++row)
                   for (int column = 0; column < columns; ++column)
                     f(row / rows, int(row % rows), column);
               });
}

template <class T, class Index>
void forward(T* y, Index* index, const T* x, const PoolExtents& e) {
  const WindowAxis rows = e.rows, columns = e.columns;
  for_pixels(e.n, rows.out, columns.out, e.c, [&](int64_t n, int p, int q) {
    const T* const image = x + n * rows.in * columns.in * e.c;
    const int64_t to = ((n * rows.out + p) * columns.out + q) * e.c;
    for (int64_t c = 0; c < e.c; ++c) {
      acc_t<T> best = acc_t<T>(-INFINITY);
      int place =
          (rows.begin(p) - rows.start(p)) * columns.kernel + columns.begin(q) - columns.start(q);
      for (int h = rows.begin(p); h < rows.end(p); ++h)
        for (int w = columns.begin(q); w < columns.end(q); ++w) {
          const auto value = acc_t<T>(image[(int64_t(h) * columns.in + w) * e.c + c]);
          if (!(value > best) && !std::isnan(value)) continue;
          best = value;
          place = (h - rows.start(p)) * columns.kernel + w - columns.start(q);
        }
      y[to + c] = T(best);
      if (index) index[to + c] = Index(place);
    }
  });
}

template <class T, class Index>
void backward(T* dx, const T* dy, const Index* index, const PoolExtents& e) {
  const WindowAxis rows = e.rows, columns = e.columns;
  for_pixels(e.n, rows.in, columns.in, e.c, [&](int64_t n, int h, int w) {
    T* const to = dx + ((n * rows.in + h) * columns.in + w) * e.c;
    for (int64_t c = 0; c < e.c; ++c) {
      acc_t<T> sum = 0;
      for (int p = rows.first_of(h); p < rows.end_of(h); ++p)
        for (int q = columns.first_of(w); q < columns.end_of(w); ++q) {
          const int place = (h - rows.start(p)) * columns.kernel + w - columns.start(q);
          const int64_t from = ((n * rows.out + p) * columns.out + q) * e.c + c;
          if (int(index[from]) == place) sum += acc_t<T>(dy[from]);
        }
      to[c] = T(sum);
    }
  });
}

void forward_reference(Tensor& y, Tensor& index, const Tensor& x, Pool2dShape shape) {
  const PoolExtents e = pool_extents(y, x, shape);
  dispatch_floating("max_pool2d", x.dtype(), [&]<class T>() {
    dispatch_index(shape, [&]<class Index>() {
      forward(y.data<T>(), index ? index.data<Index>() : nullptr, x.data<T>(), e);
    });
  });
}

void backward_reference(Tensor& dx, const Tensor& dy, const Tensor& index, Pool2dShape shape) {
  const PoolExtents e = pool_extents(dy, dx, shape);
  dispatch_floating("max_pool2d", dx.dtype(), [&]<class T>() {
    dispatch_index(shape, [&]<class Index>() {
      backward(dx.data<T>(), dy.data<T>(), index.data<Index>(), e);
    });
  });
}

}  // namespace

REGISTER_KERNELS(max_pool2d_forward, cpu, reference, {"reference", forward_reference});
REGISTER_KERNELS(max_pool2d_backward, cpu, reference, {"reference", backward_reference});

}  // namespace lathe::kernels
