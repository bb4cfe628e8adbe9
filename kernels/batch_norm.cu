// Batch norm on the device. Formulas: kernels/batch_norm.h.
// Layout: x row-major, rows by channels. Statistics are Welford's (Technometrics 4, 1962), taken of
// x less a row of its own, and merged as Chan, Golub and LeVeque do (1983), in f64 beyond a block.
// No atomics: every order depends on the shape alone. Forward: statistics, then y; the backward is
// in batch_norm_backward.cu. Bound by memory: x is read twice.
//   channel_thread  a thread a channel takes all rows' statistics: coalesced, but there are few
//                   channels, and each thread waits for one load after the other
//   welford_tiles   two levels: rows are cut into parts, until there are blocks for the whole
//                   device; in a block up to 32 threads lie along the channels, in accesses of 16
//                   bytes, and the others along the rows. They meet in shared memory; a second
//                   launch merges the parts
// The pass that follows is the same in both but for the width of its accesses, and has the rungs of
// evaluation, element and vector: a thread keeps its channels' coefficients in registers and goes
// down the rows of a part.
#include "kernels/batch_norm.cuh"

namespace lathe::kernels {
namespace {

using namespace norm;

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

}  // namespace

REGISTER_KERNELS(batch_norm_forward, cuda, tuned, {"welford_tiles", forward<true>},
                 {"channel_thread", forward<false>});
REGISTER_KERNELS(batch_norm_inference, cuda, tuned, {"vector", inference<true>},
                 {"element", inference<false>});

}  // namespace lathe::kernels
