// Softmax and its logarithm over rows, on the device. Formulas: kernels/softmax.h. The single pass
// for the largest element and the sum together: Milakov, Gimelshein, "Online normalizer calculation
// for softmax", 2018 (arXiv:1805.02867).
// Layout: row-major; a team (kernels/row_team.cuh) takes a row. A row is read up to three times, by
// the same threads; what of that comes from cache depends on its length.
// Forward:
//   thread  a thread a row, three passes (largest, sum, result): not coalesced
//   block   a block a row, three passes: coalesced; barriers, and idle threads when rows are short
//   online  largest and sum in one pass, the result in a second, in accesses of 16 bytes. A warp a
//           row, which needs no barrier, or a block where rows have more than 1024 elements
// Backward, two passes (sum, result): thread, block, and vector, whose teams and accesses are those
// of online.
#include "kernels/softmax.h"

#include "kernels/math.h"
#include "kernels/row_team.cuh"

namespace lathe::kernels {
namespace {

template <class Acc>
struct RowSum {
  Acc largest, exps;  // the largest x, the sum of exp(x - largest)
};

/// Finite, and below everything: exp(x - lowest) is 0 for an x of -Inf, where exp(-Inf + Inf) would
/// be NaN.
template <class Acc>
constexpr Acc lowest = std::is_same_v<Acc, double> ? Acc(-1.7976931348623157e308) : Acc(-3.4e38f);

template <int width, class Team, class T>
__device__ RowSum<acc_t<T>> sum_two_passes(const Team& team, const T* x, int64_t columns) {
  using Acc = acc_t<T>;
  Acc largest = lowest<Acc>, exps = 0;
  for (int64_t c = team.rank(); c < columns; c += team.size()) largest = max(largest, Acc(x[c]));
  largest = team.reduce(largest, Max{}, lowest<Acc>);
  for (int64_t c = team.rank(); c < columns; c += team.size())
    exps += math::exp(Acc(x[c]) - largest);
  return {largest, team.reduce(exps, Sum{}, Acc(0))};
}

/// A larger element than those before turns their sum into one relative to itself.
template <int width, class Team, class T>
__device__ RowSum<acc_t<T>> sum_online(const Team& team, const T* x, int64_t columns) {
  using Acc = acc_t<T>;
  Acc mine = lowest<Acc>, exps = 0;
  for_pieces<width>(team, x, 0, columns, [&](int64_t, const Vector<T, width>& piece) {
    Acc larger = mine;
    UNROLL
    for (int k = 0; k < width; ++k) larger = max(larger, Acc(piece[k]));
    exps *= math::exp(mine - larger);
    UNROLL
    for (int k = 0; k < width; ++k) exps += math::exp(Acc(piece[k]) - larger);
    mine = larger;
  });
  const Acc largest = team.reduce(mine, Max{}, lowest<Acc>);
  return {largest, team.reduce(exps * math::exp(mine - largest), Sum{}, Acc(0))};
}

template <class Team, bool online, bool logarithm, int width, class T>
__global__ void softmax_row(T* y, const T* x, int64_t rows, int64_t columns) {
  using Acc = acc_t<T>;
  const Team team;
  if (team.row() >= rows) return;
  const T* const from = x + team.row() * columns;
  T* const to = y + team.row() * columns;
  RowSum<Acc> sum;
  if constexpr (online)
    sum = sum_online<width>(team, from, columns);
  else
    sum = sum_two_passes<width>(team, from, columns);
  const Acc last = logarithm ? math::log(sum.exps) : 1 / sum.exps;
  for_pieces<width>(team, from, 0, columns, [&](int64_t c, const Vector<T, width>& piece) {
    Vector<T, width> out;
    UNROLL
    for (int k = 0; k < width; ++k) {
      const Acc shifted = Acc(piece[k]) - sum.largest;
      out[k] = T(logarithm ? shifted - last : math::exp(shifted) * last);
    }
    store_vector<width>(to + c, out);
  });
}

template <class Team, bool logarithm, int width, class T>
__global__ void softmax_backward_row(T* dx, const T* dy, const T* y, int64_t rows,
                                     int64_t columns) {
  using Acc = acc_t<T>;
  const Team team;
  if (team.row() >= rows) return;
  const int64_t begin = team.row() * columns;
  Acc sum = 0;
  for_pieces<width>(team, dy + begin, 0, columns, [&](int64_t c, const Vector<T, width>& grad) {
    const auto value = load_vector<width>(y + begin + c);
    UNROLL
    for (int k = 0; k < width; ++k) sum += Acc(grad[k]) * (logarithm ? Acc(1) : Acc(value[k]));
  });
  sum = team.reduce(sum, Sum{}, Acc(0));
  for_pieces<width>(team, dy + begin, 0, columns, [&](int64_t c, const Vector<T, width>& grad) {
    const auto value = load_vector<width>(y + begin + c);
    Vector<T, width> out;
    UNROLL
    for (int k = 0; k < width; ++k)
      out[k] = T(logarithm ? Acc(grad[k]) - math::exp(Acc(value[k])) * sum
                           : Acc(value[k]) * (Acc(grad[k]) - sum));
    store_vector<width>(dx + begin + c, out);
  });
}

// ---- rows of the tables -------------------------------------------------------------------------

constexpr int64_t longest_of_warp = 1024;

template <class Team, bool online, bool logarithm>
void forward_by(Tensor& y, const Tensor& x) {
  if (x.numel() == 0) return;
  const int64_t columns = x.dim(-1), rows = x.numel() / columns;
  dispatch_floating("softmax_forward", x.dtype(), [&]<class T>() {
    constexpr int widest = online ? int(16 / sizeof(T)) : 1;
    const bool vectors = row_width<T>(columns, x.data<T>(), y.data<T>()) > 1;
    launch_rows<Team>(vectors ? softmax_row<Team, online, logarithm, widest, T>
                              : softmax_row<Team, online, logarithm, 1, T>,
                      rows, y.data<T>(), x.data<T>(), rows, columns);
  });
}

template <bool logarithm>
void forward_online(Tensor& y, const Tensor& x) {
  const bool warp = x.numel() == 0 || x.dim(-1) <= longest_of_warp;
  warp ? forward_by<OneWarp, true, logarithm>(y, x) : forward_by<OneBlock, true, logarithm>(y, x);
}

template <class Team, bool vector, bool logarithm>
void backward_by(Tensor& dx, const Tensor& dy, const Tensor& y) {
  if (y.numel() == 0) return;
  const int64_t columns = y.dim(-1), rows = y.numel() / columns;
  dispatch_floating("softmax_backward", y.dtype(), [&]<class T>() {
    constexpr int widest = vector ? int(16 / sizeof(T)) : 1;
    const bool vectors = row_width<T>(columns, dx.data<T>(), dy.data<T>(), y.data<T>()) > 1;
    launch_rows<Team>(vectors ? softmax_backward_row<Team, logarithm, widest, T>
                              : softmax_backward_row<Team, logarithm, 1, T>,
                      rows, dx.data<T>(), dy.data<T>(), y.data<T>(), rows, columns);
  });
}

template <bool logarithm>
void backward_vector(Tensor& dx, const Tensor& dy, const Tensor& y) {
  const bool warp = y.numel() == 0 || y.dim(-1) <= longest_of_warp;
  warp ? backward_by<OneWarp, true, logarithm>(dx, dy, y)
       : backward_by<OneBlock, true, logarithm>(dx, dy, y);
}

}  // namespace

REGISTER_KERNELS(softmax_forward, cuda, tuned, {"online", forward_online<false>},
                 {"block", forward_by<OneBlock, false, false>},
                 {"thread", forward_by<OneThread, false, false>});
REGISTER_KERNELS(log_softmax_forward, cuda, tuned, {"online", forward_online<true>},
                 {"block", forward_by<OneBlock, false, true>},
                 {"thread", forward_by<OneThread, false, true>});
REGISTER_KERNELS(softmax_backward, cuda, tuned, {"vector", backward_vector<false>},
                 {"block", backward_by<OneBlock, false, false>},
                 {"thread", backward_by<OneThread, false, false>});
REGISTER_KERNELS(log_softmax_backward, cuda, tuned, {"vector", backward_vector<true>},
                 {"block", backward_by<OneBlock, false, true>},
                 {"thread", backward_by<OneThread, false, true>});

}  // namespace lathe::kernels
