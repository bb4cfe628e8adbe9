// Reductions on the device; their gradients are in repeat.cu.
//   sum_rows      y[c] = sum over r of x[r, c]
//   sum_columns   y[r] = scale * sum over c of x[r, c]
//   max_columns   y[r] = max over c of x[r, c], and the first place of it
// Layout: x is row-major, rows by columns. Every element of x is read once, so the ladders are
// about accesses and about how many threads there are. No atomics: the order of every sum depends
// on the shape alone. sum_rows:
//   thread_column  a thread a column: coalesced, but a narrow matrix has few columns, and each
//                  thread waits for one load after the other
//   tile           32 columns and 8 threads a column, which meet in shared memory: 8 times the
//                  threads, still one block for 32 columns
//   two_level      rows are cut into parts, a tile each, until there are blocks for the whole
//                  device; a second launch adds the parts
// sum_columns, max_columns (teams: kernels/row_team.cuh):
//   thread_row     a thread a row: not coalesced
//   block_row      a block a row: coalesced; barriers, and idle threads when rows are short
//   warp_row       a warp a row, by shuffles, in accesses of 16 bytes
//   two_level      sums of few and long rows: cut into parts, a block each, in accesses of 16 bytes
#include "kernels/reduce.h"

#include "kernels/row_team.cuh"

namespace lathe::kernels {
namespace {

// ---- sum_rows -----------------------------------------------------------------------------------

constexpr int64_t many_blocks = 1024;  // keep the largest devices busy

template <class T>
__global__ void sum_thread_column(T* y, const T* x, Rows s) {
  const int64_t c = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (c >= s.columns) return;
  acc_t<T> sum = 0;
  for (int64_t r = 0; r < s.rows; ++r) sum += acc_t<T>(x[r * s.columns + c]);
  y[c] = T(sum);
}

void sum_rows_thread_column(Tensor& y, const Tensor& x) {
  const Rows s = columns_of("sum_rows", x, y.numel());
  if (s.columns == 0) return;
  dispatch_floating("sum_rows", x.dtype(), [&]<class T>() {
    launch(sum_thread_column<T>, ceil_div(s.columns, 128), 128, 0, y.data<T>(), x.data<T>(), s);
  });
}

constexpr int tile_columns = 32, tile_threads = 8;  // threads a column

/// y[part, c] = the sum of part's rows. Grid: (columns / tile_columns, parts).
template <class To, class From>
__global__ void sum_tile(To* y, const From* x, Rows s, int64_t part_rows) {
  using Acc = acc_t<From>;
  SHARED(Acc, partial, [tile_threads][tile_columns]);
  const int64_t c = int64_t(blockIdx.x) * tile_columns + threadIdx.x;
  const int64_t begin = blockIdx.y * part_rows, end = min(s.rows, begin + part_rows);
  Acc sum = 0;
  if (c < s.columns)
    for (int64_t r = begin + threadIdx.y; r < end; r += tile_threads)
      sum += Acc(x[r * s.columns + c]);
  partial[threadIdx.y][threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.y != 0 || c >= s.columns) return;
  UNROLL
  for (int i = 1; i < tile_threads; ++i) sum += partial[i][threadIdx.x];
  y[blockIdx.y * s.columns + c] = To(sum);
}

template <class To, class From>
void launch_tile(To* y, const From* x, const Rows& s, int64_t part_rows) {
  const int64_t parts = std::max<int64_t>(1, ceil_div(s.rows, part_rows));
  launch(sum_tile<To, From>, dim3(unsigned(ceil_div(s.columns, tile_columns)), unsigned(parts)),
         dim3(tile_columns, tile_threads), 0, y, x, s, part_rows);
}

void sum_rows_tile(Tensor& y, const Tensor& x) {
  const Rows s = columns_of("sum_rows", x, y.numel());
  if (s.columns == 0) return;
  dispatch_floating("sum_rows", x.dtype(), [&]<class T>() {
    launch_tile(y.data<T>(), x.data<T>(), s, std::max<int64_t>(1, s.rows));
  });
}

void sum_rows_two_level(Tensor& y, const Tensor& x) {
  const Rows s = columns_of("sum_rows", x, y.numel());
  if (s.columns == 0) return;
  const int64_t wanted = std::max<int64_t>(1, many_blocks / ceil_div(s.columns, tile_columns));
  const int64_t part_rows = std::max<int64_t>(64, ceil_div(s.rows, wanted));
  const int64_t parts = ceil_div(s.rows, part_rows);
  if (parts <= 1) return sum_rows_tile(y, x);
  dispatch_floating("sum_rows", x.dtype(), [&]<class T>() {
    using Acc = acc_t<T>;
    const Tensor sums = Tensor::empty({parts, s.columns}, dtype_of<Acc>, x.device());
    launch_tile(sums.data<Acc>(), x.data<T>(), s, part_rows);
    launch_tile(y.data<T>(), static_cast<const Acc*>(sums.data<Acc>()), {parts, s.columns}, parts);
  });
}

// ---- sum_columns --------------------------------------------------------------------------------

/// Rows of `columns` elements, each cut into `parts` of part_columns (the last may be shorter).
struct CutRows {
  int64_t rows, columns, parts, part_columns;
};

/// y[r, part] = scale * the sum of a part; a team takes a part.
template <class Team, int width, class To, class From, class Acc>
__global__ void sum_row(To* y, const From* x, CutRows s, Acc scale) {
  const Team team;
  if (team.row() >= s.rows * s.parts) return;
  const From* const row = x + team.row() / s.parts * s.columns;
  const int64_t begin = team.row() % s.parts * s.part_columns;
  Acc sum = 0;
  for_pieces<width>(team, row, begin, min(s.columns, begin + s.part_columns),
                    [&](int64_t, const Vector<From, width>& piece) {
                      UNROLL
                      for (int k = 0; k < width; ++k) sum += Acc(piece[k]);
                    });
  sum = team.reduce(sum, Sum{}, Acc(0));
  if (team.rank() == 0) y[team.row()] = To(scale * sum);
}

template <class Team, class To, class From, class Acc>
void launch_sum(To* y, const From* x, const CutRows& s, int width, Acc scale) {
  constexpr int widest = int(16 / sizeof(From));
  launch_rows<Team>(
      width == 1 ? sum_row<Team, 1, To, From, Acc> : sum_row<Team, widest, To, From, Acc>,
      s.rows * s.parts, y, x, s, scale);
}

template <class Team, bool vectors>
void sum_columns_by(Tensor& y, const Tensor& x, double scale) {
  const Rows s = rows_of("sum_columns", x, y.numel());
  if (s.rows == 0) return;
  dispatch_floating("sum_columns", x.dtype(), [&]<class T>() {
    const int width = vectors ? row_width<T>(s.columns, x.data<T>()) : 1;
    launch_sum<Team>(y.data<T>(), x.data<T>(), {s.rows, s.columns, 1, s.columns}, width,
                     acc_t<T>(scale));
  });
}

constexpr int64_t least_part = 8192;  // columns, a multiple of all vectors

void sum_columns_two_level(Tensor& y, const Tensor& x, double scale) {
  const Rows s = rows_of("sum_columns", x, y.numel());
  if (s.rows == 0) return;
  const int64_t wanted = std::max<int64_t>(1, many_blocks / s.rows);
  const int64_t part = ceil_div(std::max(ceil_div(s.columns, wanted), least_part), 64) * 64;
  const int64_t parts = std::max<int64_t>(1, ceil_div(s.columns, part));
  dispatch_floating("sum_columns", x.dtype(), [&]<class T>() {
    using Acc = acc_t<T>;
    const int width = row_width<T>(s.columns, x.data<T>());
    const Tensor sums = Tensor::empty({s.rows, parts}, dtype_of<Acc>, x.device());
    launch_sum<OneBlock>(sums.data<Acc>(), x.data<T>(), {s.rows, s.columns, parts, part}, width,
                         Acc(1));
    launch_sum<OneBlock>(y.data<T>(), static_cast<const Acc*>(sums.data<Acc>()),
                         {s.rows, parts, 1, parts}, 1, Acc(scale));
  });
}

Fit fits_warp_row(Tensor& y, const Tensor& x, double) {
  return x.numel() <= 2048 * y.numel() ? Fit() : "needs rows of at most 2048 elements";
}
Fit fits_two_level(Tensor& y, const Tensor& x, double) {
  if (x.numel() <= 2 * least_part * y.numel()) return "needs rows of more than 16384 elements";
  return y.numel() < many_blocks ? Fit() : "needs fewer than 1024 rows";
}

// ---- max_columns --------------------------------------------------------------------------------

/// The larger of two, a NaN being the largest.
struct MaxOrNan {
  template <class T>
  __device__ T operator()(T a, T b) const {
    return a > b || a != a ? a : b;
  }
};

constexpr int64_t nowhere = INT64_MAX;

template <class Team, int width, class T>
__global__ void max_row(T* y, int64_t* index, const T* x, Rows s) {
  using Acc = acc_t<T>;
  const Team team;
  if (team.row() >= s.rows) return;
  const T* const row = x + team.row() * s.columns;
  Acc largest = Acc(-INFINITY);
  int64_t place = nowhere;
  for_pieces<width>(team, row, 0, s.columns, [&](int64_t c, const Vector<T, width>& piece) {
    UNROLL
    for (int k = 0; k < width; ++k) {
      const Acc value = Acc(piece[k]);
      if (place == nowhere || (!(value <= largest) && largest == largest)) {
        largest = value;
        place = c + k;
      }
    }
  });
  const Acc best = team.reduce(largest, MaxOrNan{}, Acc(-INFINITY));
  const bool mine = largest == best || (largest != largest && best != best);
  place = team.reduce(mine ? place : nowhere, Min{}, nowhere);
  if (team.rank() != 0) return;
  if (y) y[team.row()] = T(best);  // exactly the element: Acc has all values of T
  if (index) index[team.row()] = place;
}

template <class Team, bool vectors>
void max_columns_by(Tensor& y, Tensor& index, const Tensor& x) {
  const Rows s = rows_of("max_columns", x, y ? y.numel() : index.numel());
  LATHE_CHECK(s.columns > 0 || s.rows == 0, "max: expects at least one element, got shape ",
              x.shape());
  if (s.rows == 0) return;
  dispatch_floating("max_columns", x.dtype(), [&]<class T>() {
    constexpr int widest = vectors ? int(16 / sizeof(T)) : 1;
    const bool wide = row_width<T>(s.columns, x.data<T>()) > 1;
    launch_rows<Team>(wide ? max_row<Team, widest, T> : max_row<Team, 1, T>, s.rows,
                      y ? y.data<T>() : nullptr, index ? index.data<int64_t>() : nullptr,
                      x.data<T>(), s);
  });
}

Fit fits_max_warp(Tensor& y, Tensor& index, const Tensor& x) {
  return x.numel() <= 2048 * (y ? y : index).numel() ? Fit()
                                                     : "needs rows of at most 2048 elements";
}

}  // namespace

REGISTER_KERNELS(sum_rows, cuda, tuned, {"two_level", sum_rows_two_level}, {"tile", sum_rows_tile},
                 {"thread_column", sum_rows_thread_column});
REGISTER_KERNELS(sum_columns, cuda, tuned,
                 {"warp_row", sum_columns_by<OneWarp, true>, fits_warp_row},
                 {"two_level", sum_columns_two_level, fits_two_level},
                 {"block_row", sum_columns_by<OneBlock, false>},
                 {"thread_row", sum_columns_by<OneThread, false>});
REGISTER_KERNELS(max_columns, cuda, tuned,
                 {"warp_row", max_columns_by<OneWarp, true>, fits_max_warp},
                 {"block_row", max_columns_by<OneBlock, false>},
                 {"thread_row", max_columns_by<OneThread, false>});
}  // namespace lathe::kernels
