// How a tensor lies in files. Files have PyTorch's names and layouts, so that weights can be
// brought over and taken away; in memory a convolution's weight has its channels innermost, as
// images do.
#pragma once

#include "tensor/tensor.h"

namespace lathe {

enum class Layout : uint8_t {
  plain,    ///< the same in files
  filters,  ///< (O, R, S, C) in memory, (O, C, R, S) in files
};

/// The tensor as files have it, and back; a copy on the CPU, or x itself where nothing changes.
Tensor to_file_layout(const Tensor& x, Layout layout);
Tensor from_file_layout(const Tensor& x, Layout layout);
/// The shape that files have for a tensor of this shape in memory.
Shape file_shape(const Shape& shape, Layout layout);

}  // namespace lathe
