// Activation checkpointing (Chen et al., arXiv:1604.06174): a module keeps only its input for the
// backward, which computes the rest again. Memory of a training step for one more forward.
#pragma once

#include "layers/module.h"

namespace lathe {

/// module.forward(x), of which a tape keeps x alone. Results, gradients and what the forward
/// changes (running statistics) are the same to the byte as without.
Tensor recomputed(Module& module, const Tensor& x);

/// Whether this thread computes a forward again: what a forward changes must then stay as it is.
bool recomputing();

/// Makes a model's blocks (Module::is_block) recompute from now on, wherever a tape records.
/// Returns how many there are.
int64_t recompute_blocks(Module& model);

}  // namespace lathe
