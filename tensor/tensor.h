// The tensor: a handle that shares a storage, with an offset, a shape and an element type. Dense
// and row-major; the only views are reshape and slices of the first dimension. Copying a handle
// shares the elements and, for autograd, the identity; detach() shares the elements alone.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "tensor/device.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"
#include "tensor/storage.h"

namespace lathe {

class Tensor {
 public:
  /// No tensor at all; tests false. Ops take it for an absent optional argument (a Linear without
  /// bias).
  Tensor() = default;
  explicit operator bool() const { return body_ != nullptr; }

  /// Uninitialised elements.
  static Tensor empty(const Shape& shape, DType dtype = DType::f32, Device device = Device::cpu);
  static Tensor zeros(const Shape& shape, DType dtype = DType::f32, Device device = Device::cpu);
  static Tensor full(const Shape& shape, double value, DType dtype = DType::f32,
                     Device device = Device::cpu);
  /// A copy of host values, on the CPU. Throws unless there are as many as the shape has elements.
  template <class T>
  static Tensor from(const std::vector<T>& values, const Shape& shape);
  /// A view of part of a storage, beginning at a byte offset.
  static Tensor view(std::shared_ptr<Storage> storage, int64_t byte_offset, const Shape& shape,
                     DType dtype);

  const Shape& shape() const { return body().shape; }
  int64_t dim(int i) const { return shape().dim(i); }
  int rank() const { return shape().rank(); }
  int64_t numel() const { return shape().numel(); }
  DType dtype() const { return body().dtype; }
  Device device() const { return body().storage->device(); }
  int64_t bytes() const { return numel() * size_of(dtype()); }

  /// The elements; throws when T is not the element type. Memory of a device other than the CPU
  /// must not be read through it.
  template <class T>
  T* data() const {
    LATHE_CHECK(dtype_of<T> == dtype(), "tensor: its elements are ", name(dtype()), ", not ",
                name(dtype_of<T>));
    return reinterpret_cast<T*>(raw());
  }
  std::byte* raw() const { return body().storage->data() + body().byte_offset; }
  const std::shared_ptr<Storage>& storage() const { return body().storage; }
  /// True when both handles are views of the very same elements.
  bool same_elements(const Tensor& other) const;

  /// The same elements under another shape of as many. Not differentiable: ops use
  /// layers/flatten.h.
  Tensor reshape(const Shape& shape) const;
  /// Elements begin to end (exclusive) of the first dimension, shared.
  Tensor slice(int64_t begin, int64_t end) const;
  /// A new identity for the same elements: not tracked by any tape.
  Tensor detach() const;
  /// A copy on another device, or itself when it is there already.
  Tensor to(Device device) const;
  /// A copy converted to another element type (rounding to nearest even), or itself.
  Tensor to(DType dtype) const;
  Tensor clone() const;

  /// The only element, converted; throws unless there is exactly one.
  double item() const;
  /// All elements in row-major order, converted to T.
  template <class T>
  std::vector<T> to_vector() const;

  /// Makes this a leaf whose gradient a tape computes.
  Tensor& requires_grad_(bool required = true);
  bool requires_grad() const { return body_ && body_->requires_grad; }
  /// The gradient added up so far; no tensor before any backward.
  Tensor grad() const;
  /// Memory in which the gradient is kept from now on: a slice of the parameter arena. Same shape,
  /// dtype and device.
  void bind_grad(const Tensor& slot);
  /// The memory bound for the gradient while nothing has been written to it; otherwise no tensor.
  Tensor unwritten_grad() const;
  /// Forgets the gradient; the next backward writes instead of adding.
  void zero_grad();
  /// Adds to the gradient; the first after zero_grad writes.
  void add_grad(const Tensor& gradient);
  /// Rebinds this tensor, for all its handles, to other memory of the same shape, dtype and device.
  void rebind(const Tensor& memory);

 private:
  friend class Tape;
  struct Body {
    std::shared_ptr<Storage> storage;
    int64_t byte_offset = 0;
    Shape shape;
    DType dtype = DType::f32;
    bool requires_grad = false;
    bool has_grad = false;  // false: grad's elements are stale, the next gradient overwrites them
    std::shared_ptr<Body> grad;
    uint64_t tape = 0;  // the tape that tracks this tensor, and where
    int slot = -1;
  };

  explicit Tensor(std::shared_ptr<Body> body) : body_(std::move(body)) {}
  Body& body() const {
    LATHE_CHECK(body_, "tensor: there is none (an empty handle was used)");
    return *body_;
  }
  std::shared_ptr<Body> body_;
};

Tensor empty_like(const Tensor& x);
Tensor zeros_like(const Tensor& x);
/// Copies the elements of `from` into `to`: same number of elements; converts the type and crosses
/// devices as needed.
void copy_(Tensor& to, const Tensor& from);
/// Sets all elements.
void fill_(Tensor& x, double value);

template <class T>
Tensor Tensor::from(const std::vector<T>& values, const Shape& shape) {
  LATHE_CHECK(int64_t(values.size()) == shape.numel(), "tensor: shape ", shape, " has ",
              shape.numel(), " elements, got ", values.size(), " values");
  Tensor x = empty(shape, dtype_of<T>);
  std::copy(values.begin(), values.end(), x.data<T>());
  return x;
}

template <class T>
std::vector<T> Tensor::to_vector() const {
  const Tensor host = to(Device::cpu).to(dtype_of<T>);
  return std::vector<T>(host.data<T>(), host.data<T>() + host.numel());
}

}  // namespace lathe
