// Losses on the CPU, reference rows: plain loops. Sums are taken in parts of a fixed size, so they
// do not depend on the number of threads. Formulas: torch.nn.functional's
// binary_cross_entropy_with_logits and cross_entropy.
#include "kernels/loss.h"

#include <cmath>

#include "kernels/chunked_sum.h"

namespace lathe::kernels {
namespace {

constexpr int64_t grain = 1 << 12;

/// The elements, or null for an absent tensor.
template <class T>
T* data_or_null(const Tensor& x) {
  return x ? x.data<T>() : nullptr;
}

template <class T, class Target>
void bce(acc_t<T>* loss, T* slope, const T* x, const Target* t, int64_t count,
         acc_t<T> pos_weight) {
  using Acc = acc_t<T>;
  const Acc sum = chunked_sum<Acc>(count, grain, [&](int64_t begin, int64_t end) {
    Acc part = 0;
    for (int64_t i = begin; i < end; ++i) {
      const Acc logit = Acc(x[i]), target = Acc(t[i]), weight = 1 + (pos_weight - 1) * target;
      const Acc e = std::exp(-std::abs(logit));  // in (0, 1]: nothing overflows
      part += (1 - target) * logit + weight * (std::log1p(e) + std::max(-logit, Acc(0)));
      const Acc sigmoid_of_minus = (logit >= 0 ? e : Acc(1)) / (1 + e);
      if (slope) slope[i] = T(((1 - target) - weight * sigmoid_of_minus) / Acc(count));
    }
    return part;
  });
  *loss = sum / Acc(count);
}

void bce_reference(Tensor& loss, Tensor& slope, const Tensor& x, const Tensor& t,
                   double pos_weight) {
  dispatch_floating("bce_with_logits", x.dtype(), [&]<class T>() {
    using Acc = acc_t<T>;
    const auto run = [&]<class Target>(const Target* targets) {
      bce(loss.data<Acc>(), data_or_null<T>(slope), x.data<T>(), targets, x.numel(),
          Acc(pos_weight));
    };
    t.dtype() == DType::i64 ? run(t.data<int64_t>()) : run(t.data<T>());
  });
}

template <class T>
struct CrossEntropy {
  using Acc = acc_t<T>;
  int64_t classes;
  const T* x;
  T* slope;
  const int64_t* labels;
  const Acc* weights;
  Acc smoothing, inverse_weight, mean_weight;  // 1 / sum of w[label]; sum of w / C

  Acc weight(int64_t c) const { return weights ? weights[c] : Acc(1); }

  /// The loss of row n; writes its part of the slope.
  Acc row(int64_t n) const {
    const T* const logits = x + n * classes;
    Acc largest = Acc(logits[0]);
    for (int64_t c = 1; c < classes; ++c)
      if (!(Acc(logits[c]) <= largest)) largest = Acc(logits[c]);
    Acc exps = 0, weighted = 0;  // sum of w (x - largest), which smoothing needs
    for (int64_t c = 0; c < classes; ++c) {
      const Acc shifted = Acc(logits[c]) - largest;
      exps += std::exp(shifted);
      if (smoothing > 0) weighted += weight(c) * shifted;
    }
    const Acc log_exps = std::log(exps), hit = (1 - smoothing) * weight(labels[n]);
    const Acc shifted = Acc(logits[labels[n]]) - largest;
    Acc loss = hit * (log_exps - shifted);
    if (smoothing > 0) loss += smoothing * (mean_weight * log_exps - weighted / Acc(classes));
    if (slope) write_slope(n, largest, exps, hit);
    return loss * inverse_weight;
  }

  void write_slope(int64_t n, Acc largest, Acc exps, Acc hit) const {
    const Acc total = hit + smoothing * mean_weight;
    for (int64_t c = 0; c < classes; ++c) {
      const Acc p = std::exp(Acc(x[n * classes + c]) - largest) / exps;
      Acc target = smoothing / Acc(classes) * weight(c);
      if (c == labels[n]) target += hit;
      slope[n * classes + c] = T((total * p - target) * inverse_weight);
    }
  }
};

void check_label(int64_t label, int64_t n, int64_t classes) {
  if (label < 0 || label >= classes)
    fail(ErrorKind::data, "cross_entropy: expects labels from 0 to ", classes - 1,
         ", but the label at index ", n, " is ", label);
}

void cross_entropy_reference(Tensor& loss, Tensor& slope, const Tensor& x, const Tensor& labels,
                             const Tensor& weights, double smoothing) {
  const int64_t count = x.dim(0), classes = x.dim(1);
  dispatch_floating("cross_entropy", x.dtype(), [&]<class T>() {
    using Acc = acc_t<T>;
    CrossEntropy<T> rows{classes,
                         x.data<T>(),
                         data_or_null<T>(slope),
                         labels.data<int64_t>(),
                         data_or_null<Acc>(weights),
                         Acc(smoothing),
                         0,
                         0};
    Acc total = 0;
    for (int64_t n = 0; n < count; ++n) {
      check_label(rows.labels[n], n, classes);
      total += rows.weight(rows.labels[n]);
    }
    for (int64_t c = 0; c < classes; ++c) rows.mean_weight += rows.weight(c) / Acc(classes);
    rows.inverse_weight = 1 / total;
    const Acc sum = chunked_sum<Acc>(count, std::max<int64_t>(1, grain / classes),
                                     [&](int64_t begin, int64_t end) {
                                       Acc part = 0;
                                       for (int64_t n = begin; n < end; ++n) part += rows.row(n);
                                       return part;
                                     });
    *loss.data<Acc>() = count ? sum : Acc(NAN);
  });
}

void mse_reference(Tensor& loss, Tensor& slope, const Tensor& x, const Tensor& t) {
  dispatch_floating("mse", x.dtype(), [&]<class T>() {
    using Acc = acc_t<T>;
    const T *const left = x.data<T>(), *const right = t.data<T>();
    T* const to = data_or_null<T>(slope);
    const Acc count = Acc(x.numel());
    const Acc sum = chunked_sum<Acc>(x.numel(), grain, [&](int64_t begin, int64_t end) {
      Acc part = 0;
      for (int64_t i = begin; i < end; ++i) {
        const Acc difference = Acc(left[i]) - Acc(right[i]);
        part += difference * difference;
        if (to) to[i] = T(2 * difference / count);
      }
      return part;
    });
    *loss.data<Acc>() = sum / count;
  });
}

void loss_backward_reference(Tensor& dx, const Tensor& dloss, const Tensor& slope, double scale) {
  dispatch_floating("loss_backward", dx.dtype(), [&]<class T>() {
    using Acc = acc_t<T>;
    const Acc factor = Acc(scale) * *dloss.data<Acc>();
    const T* const from = slope.data<T>();
    T* const to = dx.data<T>();
    parallel_for(0, dx.numel(), 1 << 14, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) to[i] = T(factor * Acc(from[i]));
    });
  });
}

}  // namespace

REGISTER_KERNELS(bce_with_logits, cpu, reference, {"reference", bce_reference});
REGISTER_KERNELS(cross_entropy, cpu, reference, {"reference", cross_entropy_reference});
REGISTER_KERNELS(mse, cpu, reference, {"reference", mse_reference});
REGISTER_KERNELS(loss_backward, cpu, reference, {"reference", loss_backward_reference});

}  // namespace lathe::kernels
