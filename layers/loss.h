// Losses: the mean over a batch, one element. Targets and labels have no gradient, except mse's.
// 16-bit inputs give a loss in f32.
#pragma once

#include "tensor/tensor.h"

namespace lathe {

/// Binary cross entropy of logits with targets of as many elements: the logits' type, values in [0,
/// 1], or i64 zeros and ones. The error of ones is weighted by pos_weight (negatives / positives
/// evens out an uneven data set). torch.nn.functional.binary_cross_entropy_with_logits.
Tensor bce_with_logits(const Tensor& logits, const Tensor& targets, double pos_weight = 1);

struct CrossEntropyOptions {
  double label_smoothing = 0;  ///< in [0, 1]: this share of the target is spread over all classes
  Tensor class_weights = {};   ///< (C,) of the type of the loss; absent: all 1
};

/// Cross entropy of logits (N, C) with labels (N,) i64 in [0, C). With class weights the mean is
/// the weighted one. torch.nn.functional.cross_entropy. On the CPU a label out of range throws
/// Error(data) that names its index; on the GPU it makes the loss NaN.
Tensor cross_entropy(const Tensor& logits, const Tensor& labels,
                     const CrossEntropyOptions& options = {});

/// Mean squared error of two tensors of equal shape.
Tensor mse(const Tensor& x, const Tensor& target);

}  // namespace lathe
