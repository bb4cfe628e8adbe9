// Max pooling on the device. Formulas: kernels/pool2d.h. Both directions gather, so there are no
// atomics and sums have one order.
// Layout: (N, H, W, C); neighbouring threads take neighbouring channels, so all accesses are
// coalesced; windows overlap in cache. What is left is the number of accesses:
//   element  a channel of a pixel a thread
//   vector   16 bytes of channels a thread, and the divisions that find its pixel once for them
#include "kernels/pool2d.h"

#include "kernels/image_rows.cuh"

namespace lathe::kernels {
namespace {

template <int width, class T, class Index>
__global__ void max_forward(T* y, Index* index, const T* x, WindowAxis rows, WindowAxis columns,
                            int channels) {
  using Acc = acc_t<T>;
  ImagePiece to;
  if (!find_piece<width>(rows.out, columns.out, channels, to)) return;
  const T* const image = x + to.n * rows.in * columns.in * channels + to.c;
  const int top = rows.begin(to.row), bottom = rows.end(to.row);
  const int left = columns.begin(to.column), right = columns.end(to.column);
  const int corner = -rows.start(to.row) * columns.kernel - columns.start(to.column);
  Acc best[width];
  int place[width];
  UNROLL
  for (int k = 0; k < width; ++k) {
    best[k] = Acc(-INFINITY);
    place[k] = corner + top * columns.kernel + left;
  }
  for (int h = top; h < bottom; ++h)
    for (int w = left; w < right; ++w) {
      const auto piece = load_vector<width>(image + (int64_t(h) * columns.in + w) * channels);
      UNROLL
      for (int k = 0; k < width; ++k) {
        const Acc value = Acc(piece[k]);
        if (value > best[k] || value != value) {
          best[k] = value;
          place[k] = corner + h * columns.kernel + w;
        }
      }
    }
  Vector<T, width> out;
  Vector<Index, width> places;
  UNROLL
  for (int k = 0; k < width; ++k) {
    out[k] = T(best[k]);
    places[k] = Index(place[k]);
  }
  store_vector<width>(y + to.at, out);
  if (index) store_vector<width>(index + to.at, places);
}

template <int width, class T, class Index>
__global__ void max_backward(T* dx, const T* dy, const Index* index, WindowAxis rows,
                             WindowAxis columns, int channels) {
  using Acc = acc_t<T>;
  ImagePiece to;
  if (!find_piece<width>(rows.in, columns.in, channels, to)) return;
  const int64_t image = to.n * rows.out * columns.out * channels + to.c;
  Acc sums[width] = {};
  for (int p = rows.first_of(to.row); p < rows.end_of(to.row); ++p)
    for (int q = columns.first_of(to.column); q < columns.end_of(to.column); ++q) {
      const int wanted = (to.row - rows.start(p)) * columns.kernel + to.column - columns.start(q);
      const int64_t from = image + (int64_t(p) * columns.out + q) * channels;
      const auto places = load_vector<width>(index + from);
      const auto above = load_vector<width>(dy + from);
      UNROLL
      for (int k = 0; k < width; ++k)
        if (int(places[k]) == wanted) sums[k] += Acc(above[k]);
    }
  Vector<T, width> out;
  UNROLL
  for (int k = 0; k < width; ++k) out[k] = T(sums[k]);
  store_vector<width>(dx + to.at, out);
}

template <bool vector>
void forward(Tensor& y, Tensor& index, const Tensor& x, Pool2dShape shape) {
  const PoolExtents e = pool_extents(y, x, shape);
  if (y.numel() == 0) return;
  dispatch_floating("max_pool2d", x.dtype(), [&]<class T>() {
    constexpr int width = vector ? int(16 / sizeof(T)) : 1;
    const auto go = [&]<class Index>() {
      launch_pieces(max_forward<width, T, Index>, y, width, y.data<T>(),
                    index ? index.data<Index>() : nullptr, x.data<T>(), e.rows, e.columns,
                    int(e.c));
    };
    if constexpr (vector)
      go.template operator()<uint8_t>();
    else
      dispatch_index(shape, go);
  });
}

template <bool vector>
void backward(Tensor& dx, const Tensor& dy, const Tensor& index, Pool2dShape shape) {
  const PoolExtents e = pool_extents(dy, dx, shape);
  if (dx.numel() == 0) return;
  dispatch_floating("max_pool2d", dx.dtype(), [&]<class T>() {
    constexpr int width = vector ? int(16 / sizeof(T)) : 1;
    const auto go = [&]<class Index>() {
      launch_pieces(max_backward<width, T, Index>, dx, width, dx.data<T>(), dy.data<T>(),
                    index.data<Index>(), e.rows, e.columns, int(e.c));
    };
    if constexpr (vector)
      go.template operator()<uint8_t>();
    else
      dispatch_index(shape, go);
  });
}

Fit fits_byte(const Pool2dShape& shape) {
  return pool_index_type(shape) == DType::u8 ? Fit() : "needs windows of at most 256 elements";
}
Fit fits_forward(Tensor& y, Tensor&, const Tensor& x, Pool2dShape shape) {
  return fits_byte(shape) ? fits_channels(y, x) : fits_byte(shape);
}
Fit fits_backward(Tensor& dx, const Tensor& dy, const Tensor&, Pool2dShape shape) {
  return fits_byte(shape) ? fits_channels(dx, dy) : fits_byte(shape);
}

}  // namespace

REGISTER_KERNELS(max_pool2d_forward, cuda, tuned, {"vector", forward<true>, fits_forward},
                 {"element", forward<false>});
REGISTER_KERNELS(max_pool2d_backward, cuda, tuned, {"vector", backward<true>, fits_backward},
                 {"element", backward<false>});

}  // namespace lathe::kernels
