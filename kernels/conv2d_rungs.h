// The rungs of a convolution on the GPU that are products of matrices (kernels/conv2d.cuh), and
// what they have in common. Each has a file of its own, which says what it is at the end; the table
// is put together in conv2d_direct.cu.
#pragma once

#include "kernels/conv2d.h"

namespace lathe::kernels {

struct ImplicitGemm;
struct RegisterTiles;
struct Pipelined;
struct TensorCore;

template <class Rung>
void forward_by(Tensor& y, const Tensor& x, const Tensor& w, const Tensor& bias,
                const Tensor& residual, Nonlinearity f, Conv2dShape k);
template <class Rung>
void backward_input_by(Tensor& dx, const Tensor& dy, const Tensor& w, Conv2dShape k);
template <class Rung>
void backward_weight_by(Tensor& dw, Tensor& dbias, const Tensor& dy, const Tensor& x,
                        Conv2dShape k);
template <class Rung>
Fit fits_forward(Tensor& y, const Tensor& x, const Tensor& w, const Tensor& bias,
                 const Tensor& residual, Nonlinearity f, Conv2dShape k);
template <class Rung>
Fit fits_backward_input(Tensor& dx, const Tensor& dy, const Tensor& w, Conv2dShape k);
template <class Rung>
Fit fits_backward_weight(Tensor& dw, Tensor& dbias, const Tensor& dy, const Tensor& x,
                         Conv2dShape k);

/// The rungs that are no such products, as rows of the table.
struct Grouped {
  static void forward(Tensor& y, const Tensor& x, const Tensor& w, const Tensor& bias,
                      const Tensor& residual, Nonlinearity f, Conv2dShape k);
  static void backward_input(Tensor& dx, const Tensor& dy, const Tensor& w, Conv2dShape k);
  static void backward_weight(Tensor& dw, Tensor& dbias, const Tensor& dy, const Tensor& x,
                              Conv2dShape k);
  static Fit fits_forward(Tensor& y, const Tensor& x, const Tensor& w, const Tensor& bias,
                          const Tensor& residual, Nonlinearity f, Conv2dShape k);
  static Fit fits_backward_input(Tensor& dx, const Tensor& dy, const Tensor& w, Conv2dShape k);
  static Fit fits_backward_weight(Tensor& dw, Tensor& dbias, const Tensor& dy, const Tensor& x,
                                  Conv2dShape k);
};
struct Pointwise {
  static void forward(Tensor& y, const Tensor& x, const Tensor& w, const Tensor& bias,
                      const Tensor& residual, Nonlinearity f, Conv2dShape k);
  static void backward_input(Tensor& dx, const Tensor& dy, const Tensor& w, Conv2dShape k);
  static void backward_weight(Tensor& dw, Tensor& dbias, const Tensor& dy, const Tensor& x,
                              Conv2dShape k);
  static Fit fits_forward(Tensor& y, const Tensor& x, const Tensor& w, const Tensor& bias,
                          const Tensor& residual, Nonlinearity f, Conv2dShape k);
  static Fit fits_backward_input(Tensor& dx, const Tensor& dy, const Tensor& w, Conv2dShape k);
  static Fit fits_backward_weight(Tensor& dw, Tensor& dbias, const Tensor& dy, const Tensor& x,
                                  Conv2dShape k);
};

/// 32-bit indices, and a block for each group.
Fit fits_indices(const Tensor& y, const Tensor& x, const Tensor& w, const Conv2dShape& k);

/// Channels and filters of a group in whole vectors of 16 bytes, and fits_indices.
Fit fits_conv_vectors(const Tensor& y, const Tensor& x, const Tensor& w, const Conv2dShape& k);

/// The pixels i, i + stride, ... of dx along one dimension, and the taps that reach them: pixel
/// number j of them and tap number t meet dy at j + offset + t step.
struct Phase {
  int64_t pixels = 0, first_tap = 0, tap_step = 1, taps = 0, offset = 0, step = 0;
};
Phase phase_of(int64_t i, int64_t extent, int64_t window, int64_t stride, int64_t dilation,
               int64_t padding);

/// How many parts the sums of a weight's gradient are cut into, so that `tiles` blocks become
/// enough for the whole device: a function of shapes alone, or results would not be repeatable.
struct Cut {
  int64_t parts, terms;  // terms of a part
};
Cut cut_terms(int64_t terms, int64_t tiles);

/// dw = the sum of parts, in order.
void add_parts(Tensor& dw, const Tensor& parts);

/// The sum of dy over all positions, unless dbias is absent.
void bias_gradient(Tensor& dbias, const Tensor& dy);

}  // namespace lathe::kernels
