// How much arithmetic a kernel call is, by its tensors.
#pragma once

#include "tensor/kernel.h"

namespace lathe::apps {

/// Multiplications and additions of a call: 2 M N K for a matrix product, else one for each element
/// of the result.
double flops_of(KernelCall& call);

}  // namespace lathe::apps
