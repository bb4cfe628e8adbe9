// What average pooling and resizing share: the linear map along rows and columns, as an op.
#pragma once

#include "kernels/resample2d.h"
#include "tensor/tensor.h"

namespace lathe {

/// The map of x, recorded under the name of the op that it serves.
Tensor resample2d(const char* op, const Tensor& x, const kernels::Resample2d& map);

}  // namespace lathe
