// Average pooling and resizing on the CPU, reference row: plain loops over the weights of a pixel.
#include "kernels/resample2d.h"

#include "tensor/parallel.h"

namespace lathe::kernels {

void check_resample(const Tensor& y, const Tensor& x, const Resample2d& map) {
  const Shape from{y.dim(0), map.rows_in(), map.columns_in(), y.dim(3)};
  const Shape to{x.dim(0), map.rows_out(), map.columns_out(), x.dim(3)};
  LATHE_CHECK(x.shape() == from && y.shape() == to, "resample2d: expects ", from, " and ", to,
              ", got ", x.shape(), " and ", y.shape());
}

namespace {

template <class T>
void pixel(T* y, const T* image, int64_t channels, const Resample2d& map, int p, int q) {
  using Acc = acc_t<T>;
  const int top = map.begin(map.rows, p), bottom = map.end(map.rows, p);
  const int left = map.begin(map.columns, q), right = map.end(map.columns, q);
  for (int64_t c = 0; c < channels; ++c) {
    Acc sum = 0;
    for (int h = top; h < bottom; ++h) {
      const T* const row = image + int64_t(h) * map.columns_in() * channels + c;
      Acc of_row = 0;
      for (int w = left; w < right; ++w)
        of_row += map.weight<Acc>(map.columns, q, w) * Acc(row[w * channels]);
      sum += map.weight<Acc>(map.rows, p, h) * of_row;
    }
    y[c] = T(sum);
  }
}

void reference(Tensor& y, const Tensor& x, Resample2d map) {
  check_resample(y, x, map);
  const int64_t channels = x.dim(3), columns = map.columns_out(), rows = map.rows_out();
  const int64_t image = int64_t(map.rows_in()) * map.columns_in() * channels;
  dispatch_floating("resample2d", x.dtype(), [&]<class T>() {
    const T* const from = x.data<T>();
    T* const to = y.data<T>();
    parallel_for(0, x.dim(0) * rows, 1, [&](int64_t first, int64_t last) {
      for (int64_t r = first; r < last; ++r)
        for (int64_t q = 0; q < columns; ++q)
          pixel(to + (r * columns + q) * channels, from + r / rows * image, channels, map,
                int(r % rows), int(q));
    });
  });
}

}  // namespace

REGISTER_KERNELS(resample2d, cpu, reference, {"reference", reference});

}  // namespace lathe::kernels
