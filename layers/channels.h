// Channels, the last dimension: joined, cut out, scaled, and moved to where PyTorch has them.
#pragma once

#include <vector>

#include "tensor/tensor.h"

namespace lathe {

/// Tensors of equal shapes but for the last dimension, side by side in it.
Tensor concat_channels(const std::vector<Tensor>& parts);
/// Elements begin to end (exclusive) of the last dimension.
Tensor slice_channels(const Tensor& x, int64_t begin, int64_t end);

/// x (N, H, W, C) times s (N, C): a factor for each channel of each image.
Tensor scale_channels(const Tensor& x, const Tensor& s);

/// (N, C, H, W) to (N, H, W, C), and back.
Tensor to_channels_last(const Tensor& x);
Tensor to_channels_first(const Tensor& x);

}  // namespace lathe
