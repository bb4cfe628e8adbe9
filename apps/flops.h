// How much arithmetic a kernel call is, by its tensors.
#pragma once

#include "tensor/kernel.h"

namespace lathe::apps {

/// Multiplications and additions of a call: 2 M N K for a matrix product, 4 B N K for the fused
/// backward and update of Linear (2 B N K without dx), else one for each element of the largest
/// tensor.
double flops_of(KernelCall& call);

}  // namespace lathe::apps
