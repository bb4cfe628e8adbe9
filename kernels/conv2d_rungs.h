// The rungs of a convolution on the GPU, and what they have in common. Each has a file of its own;
// the table is put together in conv2d_direct.cu.
#pragma once

#include "kernels/conv2d.h"

namespace lathe::kernels {

/// A rung: its rows of the three kernels.
struct ConvRows {
  decltype(conv2d_forward)::Row forward;
  decltype(conv2d_backward_input)::Row backward_input;
  decltype(conv2d_backward_weight)::Row backward_weight;
};
ConvRows implicit_gemm_rows();
ConvRows register_tiles_rows();
ConvRows pipelined_rows();
ConvRows tensor_core_rows();
ConvRows grouped_rows();
ConvRows pointwise_rows();

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
