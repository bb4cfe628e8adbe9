// Tensors whose elements will not change any more, as weights in inference: a kernel's row may
// derive something from such a tensor once, the order that a library wants for example, and finds
// it again at the next call.
#pragma once

#include <memory>
#include <typeindex>

#include "tensor/storage.h"
#include "tensor/tensor.h"

namespace lathe {

/// The same elements, which from now on are constant for as long as the result or its copies live.
/// Through x they could still be changed; whoever calls this knows that nobody does.
Tensor constant_view(const Tensor& x);

namespace detail {
void* derived_from(const Storage* storage, std::type_index type, std::shared_ptr<void> (*make)());
}

/// What rows keep with a constant tensor: its one T, made empty at first and freed with it, which
/// guards itself. Null when the tensor is not constant, or is a part of one that is.
template <class T>
T* derived_from(const Tensor& x) {
  if (x.bytes() != x.storage()->bytes()) return nullptr;
  const auto make = []() -> std::shared_ptr<void> { return std::make_shared<T>(); };
  return static_cast<T*>(detail::derived_from(x.storage().get(), typeid(T), make));
}

}  // namespace lathe
