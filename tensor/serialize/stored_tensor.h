// Tensors as files hold them: what a file calls a tensor, and elements in any order and of types
// that tensors here do not have, brought into a dense tensor.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace lathe {

/// A tensor as a file names it.
struct StoredTensor {
  std::string name;
  Tensor tensor;
};
/// The tensor of that name; no tensor when there is none.
Tensor find(const std::vector<StoredTensor>& tensors, const std::string& name);

/// Element types of files. The integers that tensors lack are read into the next wider one that
/// they have; truth values are bytes of 0 and 1.
enum class ElementType : uint8_t { f32, f64, bf16, f16, i64, i32, u8, i16, i8, u16, u32 };
int64_t size_of(ElementType type);
ElementType element_type(DType dtype);

/// Where a tensor's elements lie in memory: from `offset` bytes on, strides counted in elements.
struct StoredElements {
  std::shared_ptr<Storage> storage;
  int64_t offset = 0;
  ElementType type = ElementType::f32;
  std::vector<int64_t> shape, strides;
  bool big_endian = false;
};

/// Row-major strides (C order), or those of the first index running fastest (Fortran order).
std::vector<int64_t> dense_strides(const std::vector<int64_t>& shape, bool fortran = false);

/// Throws Error(data), which begins with `what`, unless the shape is one that tensors can have and
/// all its elements lie within `elements` elements.
void check_extents(const std::string& what, const std::vector<int64_t>& shape,
                   const std::vector<int64_t>& strides, uint64_t elements);

/// Whether the elements can stay where they are: dense, of a type that tensors have, aligned.
bool can_stay(const StoredElements& from);
/// The elements as a tensor: a view where they can stay, else a copy. Call check_extents() first.
Tensor tensor_of(const StoredElements& from);

}  // namespace lathe
