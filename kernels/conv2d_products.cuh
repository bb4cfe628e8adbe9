// The three products of kernels/conv2d.cuh made from tensors, and the rows that run them: a rung
// gives its tile's extents, its alignment and a kernel over any product, and becomes three rows.
#pragma once

#include "kernels/conv2d_results.cuh"
#include "kernels/conv2d_rungs.h"

namespace lathe::kernels {

template <class T>
using ForwardProduct =
    ConvProduct<Operand<Patches<T>, false>, Operand<StoredMatrix<T>, false>, ForwardResult<T>>;
template <class T>
using InputProduct =
    ConvProduct<Operand<Patches<T>, false>, Operand<TurnedFilters<T>, true>, InputGradient<T>>;
template <class T>
using WeightProduct =
    ConvProduct<Operand<StoredMatrix<T>, true>, Operand<Patches<T>, true>, WeightGradient<T>>;

template <class T>
Patches<T> patches_of(const T* x, const Conv2dExtents& e, const Conv2dShape& k) {
  return {x,
          int(e.channels()),
          int(e.c),
          {int(k.stride_h), int(-k.pad_top), int(k.dilation_h), int(e.h)},
          {int(k.stride_w), int(-k.pad_left), int(k.dilation_w), int(e.w)},
          Divisor(e.p * e.q),
          Divisor(e.q),
          Divisor(e.s * e.c),
          Divisor(e.c)};
}

template <class T>
ForwardProduct<T> forward_product(Tensor& y, const Tensor& x, const Tensor& w, const Tensor& bias,
                                  const Tensor& residual, Nonlinearity f, const Conv2dShape& k) {
  const Conv2dExtents e = conv2d_extents(y, x, w, k);
  const int taps = int(e.r * e.s * e.c);
  return {{patches_of(static_cast<const T*>(x.data<T>()), e, k)},
          {{w.data<T>(), taps, int(e.o * taps)}},
          {y.data<T>(), bias ? bias.data<T>() : nullptr, residual ? residual.data<T>() : nullptr,
           int(e.filters()), f},
          int(e.n * e.p * e.q),
          int(e.o),
          taps,
          taps};
}

inline Axis axis_of(const Phase& phase, int64_t extent) {
  return {1, int(phase.offset), int(phase.step), int(extent)};
}

template <class T>
InputProduct<T> input_product(Tensor& dx, const Tensor& dy, const Tensor& w, const Conv2dExtents& e,
                              const Conv2dShape& k, int64_t i, int64_t j) {
  const Phase v = phase_of(i, e.h, e.r, k.stride_h, k.dilation_h, k.pad_top),
              h = phase_of(j, e.w, e.s, k.stride_w, k.dilation_w, k.pad_left);
  const int filter = int(e.r * e.s * e.c), terms = int(v.taps * h.taps * e.o),
            pixel = int(e.channels());
  const Divisor image(v.pixels * h.pixels), across(h.pixels),
      tap_row(std::max<int64_t>(1, h.taps * e.o)), filters(e.o);
  return {{{dy.data<T>(), int(e.filters()), int(e.o), axis_of(v, e.p), axis_of(h, e.q), image,
            across, tap_row, filters}},
          {{w.data<T>() + (v.first_tap * e.s + h.first_tap) * e.c, int(e.o * filter), filter,
            int(v.tap_step * e.s * e.c), int(h.tap_step * e.c), tap_row, filters}},
          {dx.data<T>() + (i * e.w + j) * pixel, int(e.h * e.w * pixel),
           int(k.stride_h * e.w * pixel), int(k.stride_w * pixel), image, across},
          int(e.n * v.pixels * h.pixels),
          int(e.c),
          terms,
          terms};
}

/// Launches kernel<Product> of a rung over the tiles of all groups.
template <class Rung, class Product>
void launch_product(const Product& p, int64_t groups, int64_t parts = 1) {
  if (p.m == 0 || p.n == 0) return;
  const int64_t tiles = ceil_div(p.m, Rung::rows) * ceil_div(p.n, Rung::columns);
  Rung::start(dim3(Grid(tiles).blocks.x, unsigned(groups), unsigned(parts)), p);
}

template <class Rung>
void forward_by(Tensor& y, const Tensor& x, const Tensor& w, const Tensor& bias,
                const Tensor& residual, Nonlinearity f, Conv2dShape k) {
  conv2d_extents(y, x, w, k);
  if (y.numel() == 0) return;
  Rung::dispatch(y.dtype(), [&]<class T>() {
    launch_product<Rung>(forward_product<T>(y, x, w, bias, residual, f, k), k.groups);
  });
}

template <class Rung>
void backward_input_by(Tensor& dx, const Tensor& dy, const Tensor& w, Conv2dShape k) {
  const Conv2dExtents e = conv2d_extents(dy, dx, w, k);
  if (dx.numel() == 0) return;
  if (dy.numel() == 0) return fill_(dx, 0);
  Rung::dispatch(dx.dtype(), [&]<class T>() {
    for (int64_t i = 0; i < std::min(k.stride_h, e.h); ++i)
      for (int64_t j = 0; j < std::min(k.stride_w, e.w); ++j)
        launch_product<Rung>(input_product<T>(dx, dy, w, e, k, i, j), k.groups);
  });
}

template <class Rung>
void backward_weight_by(Tensor& dw, Tensor& dbias, const Tensor& dy, const Tensor& x,
                        Conv2dShape k) {
  const Conv2dExtents e = conv2d_extents(dy, x, dw, k);
  bias_gradient(dbias, dy);
  if (dw.numel() == 0) return;
  if (dy.numel() == 0) return fill_(dw, 0);
  const int64_t terms = e.n * e.p * e.q, columns = e.r * e.s * e.c;
  const auto [parts, part_terms] =
      cut_terms(terms, ceil_div(e.o, Rung::rows) * ceil_div(columns, Rung::columns) * k.groups);
  Rung::dispatch(dw.dtype(), [&, parts = parts, part_terms = part_terms]<class T>() {
    Tensor sums;
    if (parts > 1) sums = Tensor::empty({parts, dw.numel()}, dtype_of<acc_t<T>>, dw.device());
    const WeightProduct<T> p = {
        {{dy.data<T>(), int(e.filters()), int(e.o)}},
        {patches_of(static_cast<const T*>(x.data<T>()), e, k)},
        {dw.data<T>(), sums ? sums.data<acc_t<T>>() : nullptr, int(columns), dw.numel()},
        int(e.o),
        int(columns),
        int(terms),
        int(part_terms)};
    launch_product<Rung>(p, k.groups, parts);
    if (sums) add_parts(dw, sums);
  });
}

template <class Rung>
Fit fits_forward(Tensor& y, const Tensor& x, const Tensor& w, const Tensor& bias,
                 const Tensor& residual, Nonlinearity, Conv2dShape k) {
  for (const Tensor* t : {&bias, &residual})
    if (*t && reinterpret_cast<uintptr_t>(t->raw()) % 16 != 0)
      return "needs arrays that begin at multiples of 16 bytes";
  return Rung::fits(y, x, w, k);
}
template <class Rung>
Fit fits_backward_input(Tensor& dx, const Tensor& dy, const Tensor& w, Conv2dShape k) {
  return Rung::fits(dy, dx, w, k);
}
template <class Rung>
Fit fits_backward_weight(Tensor& dw, Tensor&, const Tensor& dy, const Tensor& x, Conv2dShape k) {
  return Rung::fits(dy, x, dw, k);
}

/// A rung's rows, from what its file says of it: Rung::rows and columns of a tile, fits(),
/// dispatch() over its types, start() of its kernel.
template <class Rung>
ConvRows rows_of(const char* name) {
  return {{name, forward_by<Rung>, fits_forward<Rung>},
          {name, backward_input_by<Rung>, fits_backward_input<Rung>},
          {name, backward_weight_by<Rung>, fits_backward_weight<Rung>}};
}

/// For rungs that take any shape and type.
struct AnyConvolution {
  static Fit fits(const Tensor& y, const Tensor& x, const Tensor& w, const Conv2dShape& k) {
    return fits_indices(y, x, w, k);
  }
  template <class F>
  static void dispatch(DType dtype, const F& f) {
    dispatch_floating("conv2d", dtype, f);
  }
};

}  // namespace lathe::kernels
