// Batch norm on the device. Formulas: kernels/batch_norm.h.
// Layout: x row-major, rows by channels. Statistics are Welford's (Technometrics 4, 1962), taken of
// x less a row of its own, and merged as Chan, Golub and LeVeque do (1983); what has been merged,
// and sums over blocks, are f64. No atomics: every order depends on the shape alone. Forward:
// statistics, then y; backward: sums, then dx. Bound by memory: x is read twice, dy too.
//   channel_thread  a thread a channel takes all rows' statistics: coalesced, but there are few
//                   channels, and each thread waits for one load after the other
//   welford_tiles   two levels: rows are cut into parts, until there are blocks for the whole
//   device;
//                   in a block up to 32 threads lie along the channels, in accesses of 16 bytes,
//                   and the others along the rows. They meet in shared memory; a second launch
//                   merges the parts
// The pass that follows is the same in both but for the width of its accesses: a thread keeps its
// channels' coefficients in registers and goes down the rows of a part.
#include "kernels/batch_norm.h"

#include "kernels/batch_norm_channel.h"
#include "kernels/reduce.h"
#include "kernels/row_team.cuh"

namespace lathe::kernels {
namespace {

constexpr int block_size = 256;
constexpr int64_t many_blocks = 1024;  // keep the largest devices busy

struct Parts {
  int64_t rows, columns, part_rows;
};

/// The first channel of this thread, and the rows that it takes: first, first + blockDim.y, ...
template <int width>
struct Place {
  int64_t c, first, end;
  __device__ explicit Place(const Parts& p)
      : c((int64_t(blockIdx.x) * blockDim.x + threadIdx.x) * width),
        first(blockIdx.y * p.part_rows + threadIdx.y),
        end(min(p.rows, (blockIdx.y + 1) * p.part_rows)) {}
};

/// What normalises each channel.
template <class T>
struct Channels {
  const double *mean, *rstd;
  const T *weight, *bias;
  __device__ Normalize<acc_t<T>> at(int64_t c) const {
    return {mean[c], rstd[c], double(acc_t<T>(weight[c])), double(acc_t<T>(bias[c]))};
  }
};

/// Mean and squared distances from it, of n elements and of m others, become those of all.
template <class Acc>
__device__ void merge(Acc& mean, Acc& squares, Acc n, Acc other_mean, Acc other_squares, Acc m) {
  if (m == 0) return;
  const Acc apart = other_mean - mean, share = m / (n + m);
  mean += apart * share;
  squares += other_squares + apart * apart * n * share;
}

/// Grid: (channels / (blockDim.x width), parts). Blocks have at most block_size threads.
template <class T, int width>
__global__ void partial_statistics(double* means, double* squares, const T* x, Parts p) {
  using Acc = acc_t<T>;
  SHARED(Acc, mean_of, [block_size][width]);
  SHARED(Acc, squares_of, [block_size][width]);
  const Place<width> at(p);
  const int64_t begin = blockIdx.y * p.part_rows;
  const bool inside = at.c < p.columns;
  Acc origin[width] = {}, mean[width] = {}, square[width] = {}, n = 0;
  if (inside) {
    const auto row = load_vector<width>(x + begin * p.columns + at.c);
    UNROLL
    for (int k = 0; k < width; ++k) origin[k] = Acc(row[k]);
    for (int64_t r = at.first; r < at.end; r += blockDim.y) {
      const auto piece = load_vector<width>(x + r * p.columns + at.c);
      n += 1;
      const Acc inverse = 1 / n;
      UNROLL
      for (int k = 0; k < width; ++k) {
        const Acc d = Acc(piece[k]) - origin[k], apart = d - mean[k];
        mean[k] = math::fma(apart, inverse, mean[k]);
        square[k] = math::fma(apart, d - mean[k], square[k]);
      }
    }
  }
  UNROLL
  for (int k = 0; k < width; ++k) {
    mean_of[thread_number()][k] = mean[k];
    squares_of[thread_number()][k] = square[k];
  }
  __syncthreads();
  if (threadIdx.y != 0 || !inside) return;
  for (int y = 1; y < int(blockDim.y); ++y) {
    const int other = y * int(blockDim.x) + int(threadIdx.x);
    const int64_t left = at.end - begin - y;
    const Acc m = left > 0 ? Acc(ceil_div(left, blockDim.y)) : Acc(0);
    UNROLL
    for (int k = 0; k < width; ++k)
      merge(mean[k], square[k], n, mean_of[other][k], squares_of[other][k], m);
    n += m;
  }
  UNROLL
  for (int k = 0; k < width; ++k) {
    means[blockIdx.y * p.columns + at.c + k] = double(origin[k]) + double(mean[k]);
    squares[blockIdx.y * p.columns + at.c + k] = double(square[k]);
  }
}

/// A thread a channel merges the parts, in their order.
template <class T>
__global__ void merge_statistics(StatisticsOut<T> out, const double* means, const double* squares,
                                 Parts p) {
  const int64_t c = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (c >= p.columns) return;
  double mean = 0, square = 0, n = 0;
  for (int64_t begin = 0, i = c; begin < p.rows; begin += p.part_rows, i += p.columns) {
    const double m = double(min(p.part_rows, p.rows - begin));
    merge(mean, square, n, means[i], squares[i], m);
    n += m;
  }
  out.put(c, mean, square);
}

template <class T>
__global__ void running_statistics(double* mean, double* rstd, const T* running_mean,
                                   const T* running_var, int64_t channels, double eps) {
  const int64_t c = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (c >= channels) return;
  mean[c] = double(acc_t<T>(running_mean[c]));
  rstd[c] = 1 / math::sqrt(double(acc_t<T>(running_var[c])) + eps);
}

template <class T, int width, class F>
__global__ void normalise(T* y, const T* x, const T* residual, Channels<T> channels, F f, Parts p) {
  using Acc = acc_t<T>;
  const Place<width> at(p);
  if (at.c >= p.columns) return;
  Normalize<Acc> z[width];
  UNROLL
  for (int k = 0; k < width; ++k) z[k] = channels.at(at.c + k);
  for (int64_t r = at.first; r < at.end; r += blockDim.y) {
    const int64_t i = r * p.columns + at.c;
    const auto from = load_vector<width>(x + i);
    Vector<T, width> out, added = from;
    if (residual) added = load_vector<width>(residual + i);
    UNROLL
    for (int k = 0; k < width; ++k) {
      const Acc value = z[k](Acc(from[k]));
      out[k] = T(f.value(residual ? value + Acc(added[k]) : value));
    }
    store_vector<width>(y + i, out);
  }
}

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

// ---- rows of the tables -------------------------------------------------------------------------

/// Blocks of a matrix: threads along the channels and along the rows, and the parts.
struct Blocks {
  dim3 grid, block;
  Parts parts;
  int64_t count;
  Blocks(const Rows& s, int width, bool one_part) {
    unsigned lanes = 8;
    const int64_t vectors = ceil_div(s.columns, width);
    while (lanes < 32 && lanes < vectors) lanes *= 2;
    block = one_part ? dim3(128, 1) : dim3(lanes, unsigned(block_size) / lanes);
    const int64_t across = ceil_div(vectors, block.x), wanted = ceil_div(many_blocks, across);
    const int64_t part = std::max<int64_t>(64, ceil_div(s.rows, wanted));
    parts = {s.rows, s.columns, one_part ? std::max<int64_t>(1, s.rows) : part};
    count = std::max<int64_t>(1, ceil_div(s.rows, parts.part_rows));
    grid = dim3(unsigned(across), unsigned(count));
  }
};

constexpr int channel_threads = 128;

template <class T>
constexpr int widest = int(16 / sizeof(T));

template <class T>
Channels<T> channels_of(const Tensor& mean, const Tensor& rstd, const Tensor& weight,
                        const Tensor& bias) {
  return {mean.data<double>(), rstd.data<double>(), weight.data<T>(), bias.data<T>()};
}

Tensor scratch(int64_t count, const Tensor& like) {
  return Tensor::empty({count}, DType::f64, like.device());
}

template <class T>
void launch_normalise(Tensor& y, const Tensor& x, const Tensor& residual,
                      const Channels<T>& channels, Nonlinearity f, const Rows& s, bool vectors) {
  T* const added = elements_or_null<T>(residual);
  const int width = vectors ? row_width<T>(s.columns, y.data<T>(), x.data<T>(), added) : 1;
  const Blocks b(s, width, false);
  with_nonlinearity(f, [&]<class F>(F op) {
    launch(width == 1 ? normalise<T, 1, F> : normalise<T, widest<T>, F>, b.grid, b.block, 0,
           y.data<T>(), x.data<T>(), added, channels, op, b.parts);
  });
}

template <bool tiles>
void forward(Tensor& y, Tensor& mean, Tensor& rstd, Tensor& running_mean, Tensor& running_var,
             Tensor& batches, const Tensor& x, const Tensor& weight, const Tensor& bias,
             const Tensor& residual, Nonlinearity f, BatchNormOptions options) {
  const Rows s = columns_of("batch_norm_forward", x, weight.numel());
  dispatch_floating("batch_norm_forward", x.dtype(), [&]<class T>() {
    const int width = tiles ? row_width<T>(s.columns, x.data<T>()) : 1;
    const Blocks b(s, width, !tiles);
    const Tensor means = scratch(b.count * s.columns, x), squares = scratch(b.count * s.columns, x);
    launch(width == 1 ? partial_statistics<T, 1> : partial_statistics<T, widest<T>>, b.grid,
           b.block, 0, means.data<double>(), squares.data<double>(), x.data<T>(), b.parts);
    const StatisticsOut<T> out{mean.data<double>(),
                               rstd.data<double>(),
                               running_mean.data<T>(),
                               running_var.data<T>(),
                               batches.data<int64_t>(),
                               s.rows,
                               options};
    launch(merge_statistics<T>, ceil_div(s.columns, channel_threads), channel_threads, 0, out,
           means.data<double>(), squares.data<double>(), b.parts);
    launch_normalise<T>(y, x, residual, channels_of<T>(mean, rstd, weight, bias), f, s, tiles);
  });
}

template <bool tiles>
void inference(Tensor& y, Tensor& mean, Tensor& rstd, const Tensor& x, const Tensor& running_mean,
               const Tensor& running_var, const Tensor& weight, const Tensor& bias,
               const Tensor& residual, Nonlinearity f, BatchNormOptions options) {
  const Rows s = columns_of("batch_norm_inference", x, weight.numel());
  dispatch_floating("batch_norm_inference", x.dtype(), [&]<class T>() {
    launch(running_statistics<T>, ceil_div(s.columns, channel_threads), channel_threads, 0,
           mean.data<double>(), rstd.data<double>(), running_mean.data<T>(), running_var.data<T>(),
           s.columns, options.eps);
    launch_normalise<T>(y, x, residual, channels_of<T>(mean, rstd, weight, bias), f, s, tiles);
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

REGISTER_KERNELS(batch_norm_forward, cuda, tuned, {"welford_tiles", forward<true>},
                 {"channel_thread", forward<false>});
REGISTER_KERNELS(batch_norm_inference, cuda, tuned, {"vector", inference<true>},
                 {"element", inference<false>});
REGISTER_KERNELS(batch_norm_backward, cuda, tuned, {"tiles", backward<true>},
                 {"channel_thread", backward<false>});

}  // namespace lathe::kernels
