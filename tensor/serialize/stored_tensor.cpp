#include "tensor/serialize/stored_tensor.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace lathe {
namespace {

/// One element, its bytes turned round where the file is big-endian.
template <class T>
T load(const std::byte* from, bool big_endian) {
  std::array<std::byte, sizeof(T)> bytes;
  std::memcpy(bytes.data(), from, sizeof(T));
  if (big_endian) std::reverse(bytes.begin(), bytes.end());
  return std::bit_cast<T>(bytes);
}

/// Copies in row-major order of the shape; the last dimension is the inner loop.
template <class From, class To>
void copy_elements(const StoredElements& from, std::byte* target) {
  const int rank = int(from.shape.size());
  const std::byte* base = from.storage->data() + from.offset;
  const int64_t width = rank ? from.shape.back() : 1, step = rank ? from.strides.back() : 1;
  std::array<int64_t, Shape::max_rank> index{};
  To* to = reinterpret_cast<To*>(target);
  for (int64_t place = 0;;) {
    for (int64_t i = 0; i < width; ++i)
      *to++ = To(load<From>(base + (place + i * step) * int64_t(sizeof(From)), from.big_endian));
    int d = rank - 2;
    for (; d >= 0; --d) {
      place += from.strides[size_t(d)];
      if (++index[size_t(d)] < from.shape[size_t(d)]) break;
      place -= from.strides[size_t(d)] * from.shape[size_t(d)];
      index[size_t(d)] = 0;
    }
    if (d < 0) return;
  }
}

DType dtype_of_element(ElementType type) {
  if (type <= ElementType::u8) return DType(type);
  return type == ElementType::u32 ? DType::i64 : DType::i32;
}

}  // namespace

static_assert(int(ElementType::u8) == int(DType::u8) && int(ElementType::i64) == int(DType::i64));

Tensor find(const std::vector<StoredTensor>& tensors, const std::string& name) {
  for (const StoredTensor& stored : tensors)
    if (stored.name == name) return stored.tensor;
  return {};
}

ElementType element_type(DType dtype) { return ElementType(dtype); }

int64_t size_of(ElementType type) {
  switch (type) {
    case ElementType::i8:
      return 1;
    case ElementType::i16:
    case ElementType::u16:
      return 2;
    case ElementType::u32:
      return 4;
    default:
      return size_of(DType(type));
  }
}

std::vector<int64_t> dense_strides(const std::vector<int64_t>& shape, bool fortran) {
  std::vector<int64_t> strides(shape.size());
  uint64_t step = 1;  // wraps round for a shape that check_extents() will refuse
  for (size_t i = 0; i < shape.size(); ++i) {
    const size_t d = fortran ? i : shape.size() - 1 - i;
    strides[d] = int64_t(step);
    step *= uint64_t(std::max<int64_t>(shape[d], 1));
  }
  return strides;
}

void check_extents(const std::string& what, const std::vector<int64_t>& shape,
                   const std::vector<int64_t>& strides, uint64_t elements) {
  if (shape.size() > size_t(Shape::max_rank))
    fail(ErrorKind::data, what, ": has ", shape.size(),
         " dimensions, the most that tensors have here is ", Shape::max_rank);
  if (shape.size() != strides.size())
    fail(ErrorKind::data, what, ": has ", shape.size(), " dimensions, but ", strides.size(),
         " strides");
  __int128 count = 1, last = 0;
  bool empty = false;
  for (size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] < 0 || strides[d] < 0)
      fail(ErrorKind::data, what, ": has a negative extent or stride");
    empty |= shape[d] == 0;
    count *= std::max<int64_t>(shape[d], 1);
    if (count > Shape::max_numel)
      fail(ErrorKind::data, what, ": has a shape of more than 2^59 elements");
    if (shape[d] > 0) last += __int128(shape[d] - 1) * strides[d];
    if (last > Shape::max_numel) last = Shape::max_numel;
  }
  if (empty) return;
  if (count > elements)
    fail(ErrorKind::data, what, ": its shape has ", int64_t(count), " elements, but only ",
         elements, " are there");
  if (last >= __int128(elements))
    fail(ErrorKind::data, what, ": its strides reach element ", int64_t(last), ", but only ",
         elements, " are there");
}

bool can_stay(const StoredElements& from) {
  const auto address = reinterpret_cast<uintptr_t>(from.storage->data() + from.offset);
  if (from.type > ElementType::u8 || address % uintptr_t(size_of(from.type)) != 0) return false;
  if (from.big_endian && size_of(from.type) > 1) return false;
  const std::vector<int64_t> dense = dense_strides(from.shape);
  for (size_t d = 0; d < dense.size(); ++d)
    if (from.shape[d] > 1 && from.strides[d] != dense[d]) return false;
  return true;
}

Tensor tensor_of(const StoredElements& from) {
  const Shape shape(from.shape);
  const DType dtype = dtype_of_element(from.type);
  if (shape.numel() > 0 && can_stay(from))
    return Tensor::view(from.storage, from.offset, shape, dtype);
  const Tensor to = Tensor::empty(shape, dtype);
  if (shape.numel() == 0) return to;
  switch (from.type) {
    case ElementType::i8:
      copy_elements<int8_t, int32_t>(from, to.raw());
      break;
    case ElementType::i16:
      copy_elements<int16_t, int32_t>(from, to.raw());
      break;
    case ElementType::u16:
      copy_elements<uint16_t, int32_t>(from, to.raw());
      break;
    case ElementType::u32:
      copy_elements<uint32_t, int64_t>(from, to.raw());
      break;
    default:
      if (!from.big_endian && from.strides == dense_strides(from.shape))
        std::memcpy(to.raw(), from.storage->data() + from.offset, size_t(to.bytes()));
      else if (size_of(dtype) == 8)
        copy_elements<uint64_t, uint64_t>(from, to.raw());
      else if (size_of(dtype) == 4)
        copy_elements<uint32_t, uint32_t>(from, to.raw());
      else if (size_of(dtype) == 2)
        copy_elements<uint16_t, uint16_t>(from, to.raw());
      else
        copy_elements<uint8_t, uint8_t>(from, to.raw());
  }
  return to;
}

}  // namespace lathe
