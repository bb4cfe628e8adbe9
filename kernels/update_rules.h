// The arithmetic of an update, once for scalars and for vectors: coefficients made from the
// hyper-parameters, and for each rule one function from a gradient to new weights and moments. Two
// rules are enough: adam with both kinds of decay (one of them is 1 or 0), and sgd with a buffer
// that plain sgd does not keep. CUDA kernels use the same.
#pragma once

#include <cmath>

#include "kernels/optimizer.h"

namespace lathe::kernels {

/// What multiplies a gradient before it is used; 0 for a step that must be left out.
struct GradientScale {
  double factor = 1;
  bool skip = false;
};
/// norm is the gradient's norm as gradient_norm left it, or null.
HOST_DEVICE inline GradientScale gradient_scale(const Hyper& hyper, const double* norm) {
  GradientScale scale{hyper.inverse_loss_scale, !std::isfinite(hyper.loss)};
  if (!norm) return scale;
  scale.skip |= !std::isfinite(*norm);
  if (hyper.max_norm > 0) {
    const double clip = hyper.max_norm / (*norm * hyper.inverse_loss_scale + 1e-6);
    if (clip < 1) scale.factor *= clip;
  }
  return scale;
}

/// sqrt(v) / s + eps is written (sqrt(v) + eps s) / s, with s = sqrt(correction2): one division
/// less.
template <class T>
struct AdamCoefficients {
  T scale, decay, l2, one_minus_beta1, beta2, one_minus_beta2, eps, step;

  HOST_DEVICE AdamCoefficients(const Hyper& h, UpdateRule rule, double gradient_factor)
      : scale(T(gradient_factor)),
        decay(T(rule == UpdateRule::adamw ? 1 - h.lr * h.weight_decay : 1)),
        l2(T(rule == UpdateRule::adamw ? 0 : h.weight_decay)),
        one_minus_beta1(T(1 - h.beta1)),
        beta2(T(h.beta2)),
        one_minus_beta2(T(1 - h.beta2)),
        eps(T(h.eps * std::sqrt(h.correction2))),
        step(T(h.lr / h.correction1 * std::sqrt(h.correction2))) {}
};

/// m = keep m + take g; w -= of_m m + of_g g.
template <class T>
struct SgdCoefficients {
  T scale, l2, keep, take, of_m, of_g;

  HOST_DEVICE SgdCoefficients(const Hyper& h, double gradient_factor)
      : scale(T(gradient_factor)),
        l2(T(h.weight_decay)),
        keep(T(h.step > 1 ? h.momentum : 0)),
        take(T(h.step > 1 ? 1 - h.dampening : 1)),
        of_m(T(h.lr * (h.nesterov != 0 ? h.momentum : 1))),
        of_g(T(h.nesterov != 0 ? h.lr : 0)) {}
};

template <class T>
struct ScalarAdam {
  static constexpr int moments = 2;
  AdamCoefficients<T> c;

  HOST_DEVICE void operator()(T g, T& w, T& m, T& v) const {
    g = g * c.scale + c.l2 * w;
    m += c.one_minus_beta1 * (g - m);
    v = c.beta2 * v + c.one_minus_beta2 * g * g;
    w = w * c.decay - c.step * (m / (std::sqrt(v) + c.eps));
  }
};

/// Without a buffer (kept = 0), m is a value that nobody keeps.
template <class T, int kept>
struct ScalarSgd {
  static constexpr int moments = kept;
  SgdCoefficients<T> c;

  HOST_DEVICE void operator()(T g, T& w, T& m, T&) const {
    g = g * c.scale + c.l2 * w;
    m = kept ? c.keep * m + c.take * g : g;
    w -= c.of_m * m + c.of_g * g;
  }
};

/// Calls f(rule) with the scalar rule that fits.
template <class T, class F>
void with_scalar_rule(UpdateRule rule, const Hyper& hyper, double factor, bool has_m, const F& f) {
  if (rule != UpdateRule::sgd)
    f(ScalarAdam<T>{AdamCoefficients<T>(hyper, rule, factor)});
  else if (has_m)
    f(ScalarSgd<T, 1>{SgdCoefficients<T>(hyper, factor)});
  else
    f(ScalarSgd<T, 0>{SgdCoefficients<T>(hyper, factor)});
}

}  // namespace lathe::kernels
