// The activations that a kernel applies to its result in the same pass: what follows a convolution
// or a batch norm in the models of this field.
#pragma once

#include <cstdint>

#include "kernels/unary_ops.h"

namespace lathe::kernels {

enum class Nonlinearity : uint8_t { none, relu, relu6, silu };

}  // namespace lathe::kernels
