// What random numbers of layers depend on: the seed, the order in which modules were built, and the
// number of the training step. All belong to the calling thread.
#pragma once

#include <cstdint>

#include "tensor/tensor.h"

namespace lathe {

/// Sets the seed, and counts modules and tensors from 0 again: a model built after manual_seed(s)
/// always begins with the same values and draws the same masks.
void manual_seed(uint64_t seed);
uint64_t random_seed();
/// Numbers for streams: of initial values, and of ops that draw in every step.
uint32_t next_random_index();
uint32_t next_random_op();

/// Says which training step comes next, for layers that draw anew in each; at first it is 0.
/// TrainStep calls it; a training loop of one's own must, before each forward, or all its steps
/// have the same masks. Not while a step is traced.
void set_random_step(int64_t step);
/// The step on a device, (1,) i64: kernels read it there, so that a plan replays with other masks.
const Tensor& random_step(Device device);

}  // namespace lathe
