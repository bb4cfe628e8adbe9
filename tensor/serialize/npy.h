// NumPy's arrays: a magic number, a Python dictionary of type, order and shape as text, and the
// elements. Versions 1 to 3. Layout: numpy/lib/format.py. Arrays of objects are pickles in
// disguise and refused.
#pragma once

#include "tensor/serialize/stored_tensor.h"

namespace lathe {

/// What an array's header says.
struct NpyHeader {
  ElementType type = ElementType::f32;
  bool big_endian = false, fortran_order = false;
  std::vector<int64_t> shape;
  size_t length = 0;  ///< bytes before the first element
};

/// Throws Error(data) that begins with `what`.
NpyHeader parse_npy_header(const std::string& what, std::string_view bytes);

/// The array that all of a storage's first `bytes` bytes are.
Tensor read_npy(const std::string& what, const std::shared_ptr<Storage>& storage, uint64_t bytes);

/// The header for an array, padded so that the elements begin at a multiple of 64. bf16, which
/// NumPy lacks, is not a type for it: Error(usage).
std::string npy_header(const std::string& what, DType dtype, const Shape& shape);

}  // namespace lathe
