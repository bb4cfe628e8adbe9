// Batch norm's backward on the device. Formulas: kernels/batch_norm.h.
// Layout and ladder as in batch_norm.cu: sums over rows of dz and dz (x - mean), then dx; x and dy
// are read twice, and dz is computed twice, since it is never written but as dresidual.
//   channel_thread  a thread a channel takes all rows' sums
//   tiles           two levels: parts of the rows, in blocks whose threads meet in shared memory
//   and
//                   read 16 bytes at a time; a second launch adds the parts in f64
#include "kernels/batch_norm.cuh"

namespace lathe::kernels {
namespace {

using namespace norm;

/// Calls use(i, k, dz, x) for this thread's elements, from vectors at i; end(i) after each.
template <class T, int width, class F, class Use, class End>
__device__ __forceinline__ void for_gradients(const Place<width>& at, const Parts& p, const T* dy,
                                              const T* x, const T* kept,
                                              const Normalize<acc_t<T>>* z, F f, const Use& use,
                                              const End& end) {
  using Acc = acc_t<T>;
  for (int64_t r = at.first; r < at.end; r += blockDim.y) {
    const int64_t i = r * p.columns + at.c;
    const auto above = load_vector<width>(dy + i), from = load_vector<width>(x + i);
    Vector<T, width> other = from;
    if (kept) other = load_vector<width>(kept + i);
    UNROLL
    for (int k = 0; k < width; ++k) {
      const Acc value = z[k](Acc(from[k]));
      const Acc slope = kept ? slope_kept(f, value, Acc(other[k])) : slope_at(f, value);
      use(k, Acc(above[k]) * slope, Acc(from[k]));
    }
    end(i);
  }
}

/// sums[part] = sums over its rows of dz, for all channels, then of dz (x - center).
template <class T, int width, class F>
__global__ void partial_gradients(double* sums, const T* dy, const T* x, const T* kept,
                                  Channels<T> channels, F f, Parts p) {
  using Acc = acc_t<T>;
  SHARED(Acc, first_of, [block_size][width]);
  SHARED(Acc, second_of, [block_size][width]);
  const Place<width> at(p);
  const bool inside = at.c < p.columns;
  Acc first[width] = {}, second[width] = {};
  if (inside) {
    Normalize<Acc> z[width];
    UNROLL
    for (int k = 0; k < width; ++k) z[k] = channels.at(at.c + k);
    for_gradients<T, width>(
        at, p, dy, x, kept, z, f,
        [&](int k, Acc dz, Acc from) {
          first[k] += dz;
          second[k] = math::fma(dz, from - z[k].center, second[k]);
        },
        [](int64_t) {});
  }
  UNROLL
  for (int k = 0; k < width; ++k) {
    first_of[thread_number()][k] = first[k];
    second_of[thread_number()][k] = second[k];
  }
  __syncthreads();
  if (threadIdx.y != 0 || !inside) return;
  double* const out = sums + 2 * blockIdx.y * p.columns + at.c;
  UNROLL
  for (int k = 0; k < width; ++k) {
    double a = double(first[k]), b = double(second[k]);
    for (int y = 1; y < int(blockDim.y); ++y) {
      a += double(first_of[y * int(blockDim.x) + int(threadIdx.x)][k]);
      b += double(second_of[y * int(blockDim.x) + int(threadIdx.x)][k]);
    }
    out[k] = a;
    out[p.columns + k] = b;
  }
}

/// Adds the parts in their order; total = the sums of dz, then of dz (x - mean).
template <class T>
__global__ void merge_gradients(double* total, T* dweight, T* dbias, const double* sums,
                                int64_t parts, Channels<T> channels, int64_t columns) {
  const int64_t c = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (c >= columns) return;
  double a = 0, b = 0;
  for (int64_t part = 0; part < parts; ++part) {
    a += sums[2 * part * columns + c];
    b += sums[(2 * part + 1) * columns + c];
  }
  b -= (channels.mean[c] - double(acc_t<T>(channels.mean[c]))) * a;
  total[c] = a;
  total[columns + c] = b;
  if (dbias) dbias[c] = T(acc_t<T>(a));
  if (dweight) dweight[c] = T(acc_t<T>(b * channels.rstd[c]));
}

/// dx and dresidual, either of which may be null. total is null for running statistics.
template <class T, int width, class F>
__global__ void input_gradient(T* dx, T* dresidual, const T* dy, const T* x, const T* kept,
                               Channels<T> channels, const double* total, F f, Parts p) {
  using Acc = acc_t<T>;
  const Place<width> at(p);
  if (at.c >= p.columns) return;
  Normalize<Acc> z[width];
  InputGradient<Acc> gradient[width];
  UNROLL
  for (int k = 0; k < width; ++k) {
    const int64_t c = at.c + k;
    z[k] = channels.at(c);
    gradient[k] = {channels.mean[c],
                   channels.rstd[c],
                   double(acc_t<T>(channels.weight[c])),
                   total ? total[c] : 0,
                   total ? total[p.columns + c] : 0,
                   total ? 1 / double(p.rows) : 0};
  }
  Vector<T, width> out, masked;
  for_gradients<T, width>(
      at, p, dy, x, kept, z, f,
      [&](int k, Acc dz, Acc from) {
        masked[k] = T(dz);
        out[k] = T(gradient[k](dz, from));
      },
      [&](int64_t i) {
        if (dresidual) store_vector<width>(dresidual + i, masked);
        if (dx) store_vector<width>(dx + i, out);
      });
}

template <bool tiles>
void backward(Tensor& dx, Tensor& dresidual, Tensor& dweight, Tensor& dbias, const Tensor& dy,
              const Tensor& x, const Tensor& kept, const Tensor& mean, const Tensor& rstd,
              const Tensor& weight, const Tensor& bias, Nonlinearity nonlinearity,
              Statistics statistics) {
  const Rows s = columns_of("batch_norm_backward", x, weight.numel());
  const bool batch = statistics == Statistics::batch;
  const auto run = [&]<class T, class F>(F f) {
    const Channels<T> channels = channels_of<T>(mean, rstd, weight, bias);
    T *const to = elements_or_null<T>(dx), *const masked = elements_or_null<T>(dresidual),
             *const other = elements_or_null<T>(kept);
    const int width =
        tiles ? row_width<T>(s.columns, dy.data<T>(), x.data<T>(), to, masked, other) : 1;
    const Tensor total = scratch(2 * s.columns, x);
    if (batch || dweight || dbias) {
      const Blocks b(s, width, !tiles);
      const Tensor sums = scratch(b.count * 2 * s.columns, x);
      launch(width == 1 ? partial_gradients<T, 1, F> : partial_gradients<T, widest<T>, F>, b.grid,
             b.block, 0, sums.data<double>(), dy.data<T>(), x.data<T>(), other, channels, f,
             b.parts);
      launch(merge_gradients<T>, ceil_div(s.columns, channel_threads), channel_threads, 0,
             total.data<double>(), elements_or_null<T>(dweight), elements_or_null<T>(dbias),
             sums.data<double>(), b.count, channels, s.columns);
    }
    if (!to && !masked) return;
    const Blocks b(s, width, false);
    launch(width == 1 ? input_gradient<T, 1, F> : input_gradient<T, widest<T>, F>, b.grid, b.block,
           0, to, masked, dy.data<T>(), x.data<T>(), other, channels,
           batch ? total.data<double>() : nullptr, f, b.parts);
  };
  dispatch_floating("batch_norm_backward", x.dtype(), [&]<class T>() {
    with_nonlinearity(nonlinearity, [&]<class F>(F f) { run.template operator()<T, F>(f); });
  });
}

}  // namespace

REGISTER_KERNELS(batch_norm_backward, cuda, tuned, {"tiles", backward<true>},
                 {"channel_thread", backward<false>});

}  // namespace lathe::kernels
