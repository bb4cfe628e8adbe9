// A pass over a traced training step: where a Linear's weight gradient is computed only to be used
// by the optimiser, both become one kernel, which forms each row of the gradient in registers and
// updates the weights and moments of that row at once. The gradient is never written. For a small
// batch this halves the bytes of a step, and bytes are its time.
#pragma once

#include "optim/optimizer.h"
#include "tensor/plan.h"

namespace lathe {

/// Rewrites the plan and returns the number of layers fused. Looks for what layers/linear.cpp's
/// backward calls:
///   matmul(dw, dy, x) with dw = dyᵀ x · sum_rows(db, dy) · matmul(dx, dy, w) · … ·
///   optimizer_step(parameters, …)
/// and leaves alone: updates that clip by norm or have an L1 penalty, weights or gradients that
/// anything else reads or writes in between (shared weights), and layers whose gradient arrives in
/// pieces.
int fuse_linear_updates(Plan& plan, const Optimizer& optimizer);

}  // namespace lathe
