// A factor for each channel of each image, as squeeze-and-excitation has it (Hu et al.,
// arXiv:1709.01507). Images x, y (N, H, W, C) and factors s (N, C) of one floating type.
#pragma once

#include "tensor/kernel.h"

namespace lathe::kernels {

/// y[n, h, w, c] = x[n, h, w, c] s[n, c].
DECLARE_KERNEL(scale_channels_forward, Tensor& y, const Tensor& x, const Tensor& s);
/// dx[n, h, w, c] = dy[n, h, w, c] s[n, c] and ds[n, c] = the sum over h, w of dy x, always in the
/// same order. In one pass, since both read dy.
DECLARE_KERNEL(scale_channels_backward, Tensor& dx, Tensor& ds, const Tensor& dy, const Tensor& x,
               const Tensor& s);

}  // namespace lathe::kernels
