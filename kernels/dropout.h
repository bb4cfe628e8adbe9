// Dropout (Srivastava et al., JMLR 15, 2014), as torch.nn.functional.dropout: elements become 0
// with probability p, the others grow by 1 / (1 - p), which keeps the mean. The mask is a function
// of seed, step, op and the element's number, so the backward computes it again and nothing is
// stored.
#pragma once

#include "tensor/kernel.h"
#include "tensor/random.h"

namespace lathe::kernels {

/// What the mask of a call depends on beside the step.
struct DropoutMask {
  uint64_t seed = 0;
  uint32_t op = 0;
  double p = 0;  ///< in [0, 1]

  HOST_DEVICE RandomStream stream(int64_t step) const {
    return RandomStream(seed, Purpose::dropout, uint32_t(step), uint32_t(step >> 32), op);
  }
  /// Words whose upper 24 bits are below this drop their element.
  HOST_DEVICE uint32_t threshold() const { return uint32_t(p * 0x1p24); }
  HOST_DEVICE static bool keeps(uint32_t word, uint32_t threshold) {
    return (word >> 8) >= threshold;
  }
  HOST_DEVICE double scale() const { return p < 1 ? 1 / (1 - p) : 0; }
};

/// y[i] = x[i] / (1 - p) where word i of the mask's stream keeps it, else 0. step (1,) i64 is read
/// when the kernel runs. Equal shapes and floating types; the gradient is the same kernel on dy.
/// The same elements are dropped on every device.
DECLARE_KERNEL(dropout, Tensor& y, const Tensor& x, const Tensor& step, DropoutMask mask);

}  // namespace lathe::kernels
