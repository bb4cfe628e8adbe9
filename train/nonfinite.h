// Where a loss that is NaN or Inf comes from.
#pragma once

#include <string>

#include "train/step.h"

namespace lathe {

/// Runs forward, loss and backward once more, kernel by kernel, and names the first result that is
/// not finite: "first in fc1 (matmul, row reference)". Says so when a parameter, the inputs or none
/// of them is to blame. The parameters are not changed, their gradients are.
std::string find_nonfinite(Module& model, const LossFunction& loss, const Tensor& inputs,
                           const Tensor& labels);

}  // namespace lathe
