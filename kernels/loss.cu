// Losses on the device. Formulas: kernels/loss.h; source: torch.nn.functional's
// binary_cross_entropy_with_logits and cross_entropy.
// Layout: flat arrays for bce_with_logits and mse, rows of logits (N, C) for cross_entropy. Each
// element is read once, and its derivative written in the same pass. No atomics: the order of every
// sum depends on the shape alone.
// bce_with_logits, mse:
//   block      one block takes all elements, one launch: unbeaten for the outputs of a detector, a
//              logit a sample
//   two_level  blocks for the whole device, each leaves a part of the sum; a second launch adds
//   them
// cross_entropy (teams: kernels/row_team.cuh), three launches: the sum of the labels' weights, the
// rows, the sum of the rows' losses.
//   thread_row  a thread a row: not coalesced
//   block_row   a block a row: coalesced; barriers, and idle threads when there are few classes
//   warp_row    a warp a row: its largest logit and sums by shuffles, accesses of 16 bytes
// loss_backward: element and vector (kernels/map.cuh).
#include "kernels/loss.h"

#include "kernels/map.cuh"
#include "kernels/math.h"
#include "kernels/row_team.cuh"

namespace lathe::kernels {
namespace {

template <class T>
T* data_or_null(const Tensor& x) {
  return x ? x.data<T>() : nullptr;
}

// ---- means of terms -----------------------------------------------------------------------------

constexpr int block_size = 256;
constexpr int64_t most_parts = 1024, block_elements = 8192;

/// sums[block] = the sum of term(i) over the block's elements, / divisor. 0 / 0 is NaN.
template <class Acc, class Term>
__global__ void sum_terms(Acc* sums, Term term, size_t count, Acc divisor) {
  Acc sum = 0;
  for (size_t i = first_element(); i < count; i += size_t(gridDim.x) * block_size) sum += term(i);
  sum = block_reduce(sum, Sum{}, Acc(0));
  if (threadIdx.x == 0) sums[blockIdx.x] = sum / divisor;
}

template <class Acc>
struct Stored {
  const Acc* values;
  __device__ Acc operator()(size_t i) const { return values[i]; }
};

template <class Acc, class Term>
void mean_block(Tensor& mean, const Term& term, int64_t count) {
  launch(sum_terms<Acc, Term>, 1, block_size, 0, mean.data<Acc>(), term, size_t(count), Acc(count));
}

template <class Acc, class Term>
void mean_two_level(Tensor& mean, const Term& term, int64_t count) {
  const int64_t parts = std::clamp<int64_t>(ceil_div(count, 4 * block_size), 1, most_parts);
  const Tensor sums = Tensor::empty({parts}, dtype_of<Acc>, mean.device());
  launch(sum_terms<Acc, Term>, parts, block_size, 0, sums.data<Acc>(), term, size_t(count), Acc(1));
  launch(sum_terms<Acc, Stored<Acc>>, 1, block_size, 0, mean.data<Acc>(),
         Stored<Acc>{sums.data<Acc>()}, size_t(parts), Acc(count));
}

template <class Acc, bool two_level, class Term>
void mean_of(Tensor& mean, const Term& term, int64_t count) {
  if constexpr (two_level)
    mean_two_level<Acc>(mean, term, count);
  else
    mean_block<Acc>(mean, term, count);
}

template <class T, class Target>
struct BceTerm {
  using Acc = acc_t<T>;
  const T* x;
  const Target* t;
  T* slope;  // or null
  Acc pos_weight, count;

  __device__ Acc operator()(size_t i) const {
    const Acc logit = Acc(x[i]), target = Acc(t[i]), weight = 1 + (pos_weight - 1) * target;
    const Acc e = math::exp(-math::abs(logit));  // in (0, 1]: nothing overflows
    const Acc sigmoid_of_minus = (logit >= 0 ? e : Acc(1)) / (1 + e);
    if (slope) slope[i] = T(((1 - target) - weight * sigmoid_of_minus) / count);
    return (1 - target) * logit + weight * (math::log1p(e) + max(-logit, Acc(0)));
  }
};

template <class T>
struct SquareTerm {
  using Acc = acc_t<T>;
  const T *x, *t;
  T* slope;  // or null
  Acc count;

  __device__ Acc operator()(size_t i) const {
    const Acc difference = Acc(x[i]) - Acc(t[i]);
    if (slope) slope[i] = T(2 * difference / count);
    return difference * difference;
  }
};

template <bool two_level>
void bce_by(Tensor& loss, Tensor& slope, const Tensor& x, const Tensor& t, double pos_weight) {
  dispatch_floating("bce_with_logits", x.dtype(), [&]<class T>() {
    using Acc = acc_t<T>;
    const auto run = [&]<class Target>(const Target* targets) {
      const BceTerm<T, Target> term{x.data<T>(), targets, data_or_null<T>(slope), Acc(pos_weight),
                                    Acc(x.numel())};
      mean_of<Acc, two_level>(loss, term, x.numel());
    };
    t.dtype() == DType::i64 ? run(t.data<int64_t>()) : run(t.data<T>());
  });
}

template <bool two_level>
void mse_by(Tensor& loss, Tensor& slope, const Tensor& x, const Tensor& t) {
  dispatch_floating("mse", x.dtype(), [&]<class T>() {
    using Acc = acc_t<T>;
    const SquareTerm<T> term{x.data<T>(), t.data<T>(), data_or_null<T>(slope), Acc(x.numel())};
    mean_of<Acc, two_level>(loss, term, x.numel());
  });
}

Fit fits_block(const Tensor& x) {
  return x.numel() <= block_elements ? Fit() : "needs at most 8192 elements";
}
Fit fits_bce_block(Tensor&, Tensor&, const Tensor& x, const Tensor&, double) {
  return fits_block(x);
}
Fit fits_mse_block(Tensor&, Tensor&, const Tensor& x, const Tensor&) { return fits_block(x); }

// ---- cross_entropy ------------------------------------------------------------------------------

template <class T>
struct CrossEntropy {
  using Acc = acc_t<T>;
  int64_t rows, classes;
  const T* x;
  T* slope;  // or null
  const int64_t* labels;
  const Acc* weights;  // or null: all 1
  Acc smoothing;

  __device__ Acc weight(int64_t c) const { return weights ? weights[c] : Acc(1); }
  __device__ bool known(int64_t label) const { return label >= 0 && label < classes; }
};

/// totals[0] = the sum of the labels' weights, NaN where a label is no class; totals[1] = the mean
/// weight of the classes. One block.
template <class T>
__global__ void total_weights(acc_t<T>* totals, CrossEntropy<T> e) {
  using Acc = acc_t<T>;
  Acc of_labels = 0, of_classes = 0;
  for (int64_t n = threadIdx.x; n < e.rows; n += block_size)
    of_labels += e.known(e.labels[n]) ? e.weight(e.labels[n]) : Acc(NAN);
  for (int64_t c = threadIdx.x; c < e.classes; c += block_size) of_classes += e.weight(c);
  of_labels = block_reduce(of_labels, Sum{}, Acc(0));
  of_classes = block_reduce(of_classes, Sum{}, Acc(0));
  if (threadIdx.x != 0) return;
  totals[0] = of_labels;
  totals[1] = of_classes / Acc(e.classes);
}

/// losses[n] = the loss of row n, and its slope; a team takes a row.
template <class Team, int width, class T>
__global__ void cross_entropy_row(acc_t<T>* losses, const acc_t<T>* totals, CrossEntropy<T> e) {
  using Acc = acc_t<T>;
  const Team team;
  const int64_t n = team.row();
  if (n >= e.rows) return;
  const T* const logits = e.x + n * e.classes;
  const Acc inverse_weight = 1 / totals[0], mean_weight = totals[1];
  const int64_t label = e.known(e.labels[n]) ? e.labels[n] : 0;  // if not, totals[0] is NaN

  Acc largest = Acc(-INFINITY);
  for_pieces<width>(team, logits, 0, e.classes, [&](int64_t, const Vector<T, width>& piece) {
    UNROLL
    for (int k = 0; k < width; ++k) largest = max(largest, Acc(piece[k]));
  });
  largest = team.reduce(largest, Max{}, Acc(-INFINITY));
  Acc exps = 0, weighted = 0;  // sum of w (x - largest), which smoothing needs
  for_pieces<width>(team, logits, 0, e.classes, [&](int64_t c, const Vector<T, width>& piece) {
    UNROLL
    for (int k = 0; k < width; ++k) {
      const Acc shifted = Acc(piece[k]) - largest;
      exps += math::exp(shifted);
      if (e.smoothing > 0) weighted += e.weight(c + k) * shifted;
    }
  });
  exps = team.reduce(exps, Sum{}, Acc(0));
  weighted = team.reduce(weighted, Sum{}, Acc(0));

  const Acc log_exps = math::log(exps), hit = (1 - e.smoothing) * e.weight(label);
  if (team.rank() == 0) {
    Acc loss = hit * (log_exps - (Acc(logits[label]) - largest));
    if (e.smoothing > 0) loss += e.smoothing * (mean_weight * log_exps - weighted / Acc(e.classes));
    losses[n] = loss * inverse_weight;
  }
  if (!e.slope) return;
  const Acc total = hit + e.smoothing * mean_weight;
  for_pieces<width>(team, logits, 0, e.classes, [&](int64_t c, const Vector<T, width>& piece) {
    Vector<T, width> out;
    UNROLL
    for (int k = 0; k < width; ++k) {
      const Acc p = math::exp(Acc(piece[k]) - largest) / exps;
      const Acc target =
          e.smoothing / Acc(e.classes) * e.weight(c + k) + (c + k == label ? hit : Acc(0));
      out[k] = T((total * p - target) * inverse_weight);
    }
    store_vector<width>(e.slope + n * e.classes + c, out);
  });
}

template <class Team, bool vectors>
void cross_entropy_by(Tensor& loss, Tensor& slope, const Tensor& x, const Tensor& labels,
                      const Tensor& weights, double smoothing) {
  const int64_t rows = x.dim(0), classes = x.dim(1);
  dispatch_floating("cross_entropy", x.dtype(), [&]<class T>() {
    using Acc = acc_t<T>;
    const CrossEntropy<T> e{rows,
                            classes,
                            x.data<T>(),
                            data_or_null<T>(slope),
                            labels.data<int64_t>(),
                            data_or_null<Acc>(weights),
                            Acc(smoothing)};
    const Tensor scratch = Tensor::empty({2 + rows}, dtype_of<Acc>, x.device());
    Acc *const totals = scratch.data<Acc>(), *const losses = totals + 2;
    launch(total_weights<T>, 1, block_size, 0, totals, e);
    constexpr int widest = vectors ? int(16 / sizeof(T)) : 1;
    const bool wide = row_width<T>(classes, e.x, e.slope) > 1;
    if (rows > 0)
      launch_rows<Team>(wide ? cross_entropy_row<Team, widest, T> : cross_entropy_row<Team, 1, T>,
                        rows, losses, totals, e);
    launch(sum_terms<Acc, Stored<Acc>>, 1, block_size, 0, loss.data<Acc>(), Stored<Acc>{losses},
           size_t(rows), Acc(rows > 0));
  });
}

Fit fits_warp_row(Tensor&, Tensor&, const Tensor& x, const Tensor&, const Tensor&, double) {
  return x.dim(1) <= 2048 ? Fit() : "needs at most 2048 classes";
}

// ---- loss_backward ------------------------------------------------------------------------------

template <class T>
struct TimesLoss {
  acc_t<T> scale;
  const acc_t<T>* dloss;
  __device__ T operator()(T slope) const { return T(scale * *dloss * acc_t<T>(slope)); }
};

template <Rung rung>
void loss_backward_by(Tensor& dx, const Tensor& dloss, const Tensor& slope, double scale) {
  dispatch_floating("loss_backward", dx.dtype(), [&]<class T>() {
    map<rung>(dx.numel(), TimesLoss<T>{acc_t<T>(scale), dloss.data<acc_t<T>>()}, dx.data<T>(),
              Each<T>{slope.data<T>()});
  });
}

Fit fits_backward(Tensor& dx, const Tensor&, const Tensor& slope, double) {
  return fits_vector(dx, slope);
}

}  // namespace

REGISTER_KERNELS(bce_with_logits, cuda, tuned, {"block", bce_by<false>, fits_bce_block},
                 {"two_level", bce_by<true>});
REGISTER_KERNELS(mse, cuda, tuned, {"block", mse_by<false>, fits_mse_block},
                 {"two_level", mse_by<true>});
REGISTER_KERNELS(cross_entropy, cuda, tuned,
                 {"warp_row", cross_entropy_by<OneWarp, true>, fits_warp_row},
                 {"block_row", cross_entropy_by<OneBlock, false>},
                 {"thread_row", cross_entropy_by<OneThread, false>});
REGISTER_KERNELS(loss_backward, cuda, tuned,
                 {"vector", loss_backward_by<Rung::vector>, fits_backward},
                 {"element", loss_backward_by<Rung::element>});

}  // namespace lathe::kernels
