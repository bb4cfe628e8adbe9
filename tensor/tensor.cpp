#include "tensor/tensor.h"

#include "tensor/basic_kernels.h"

namespace lathe {
namespace {

/// Copies whole elements between any two devices, bit by bit.
void copy_bytes(const Tensor& to, const Tensor& from) {
  const Device device = to.device() == Device::cpu ? from.device() : to.device();
  LATHE_CHECK(!CallRecorder::current,
              "copy: elements crossed devices while a plan was recorded; do it outside the step");
  if (to.bytes() > 0) device_api(device).copy(to.raw(), from.raw(), size_t(to.bytes()));
}

}  // namespace

Tensor Tensor::empty(const Shape& shape, DType dtype, Device device) {
  return view(std::make_shared<Storage>(shape.numel() * size_of(dtype), device), 0, shape, dtype);
}

Tensor Tensor::zeros(const Shape& shape, DType dtype, Device device) {
  return full(shape, 0, dtype, device);
}

Tensor Tensor::full(const Shape& shape, double value, DType dtype, Device device) {
  Tensor x = empty(shape, dtype, device);
  fill_(x, value);
  return x;
}

Tensor Tensor::view(std::shared_ptr<Storage> storage, int64_t byte_offset, const Shape& shape,
                    DType dtype) {
  const int64_t end = byte_offset + shape.numel() * size_of(dtype);
  LATHE_CHECK(byte_offset >= 0 && end <= storage->bytes(), "tensor: a view of bytes ", byte_offset,
              " to ", end, " leaves its storage of ", storage->bytes(), " bytes");
  auto body = std::make_shared<Body>();
  body->storage = std::move(storage);
  body->byte_offset = byte_offset;
  body->shape = shape;
  body->dtype = dtype;
  return Tensor(std::move(body));
}

bool Tensor::same_elements(const Tensor& other) const {
  return body_ && other.body_ &&
         (body_ == other.body_ || (raw() == other.raw() && bytes() == other.bytes()));
}

Tensor Tensor::reshape(const Shape& shape) const {
  LATHE_CHECK(shape.numel() == numel(), "reshape: ", this->shape(), " has ", numel(), " elements, ",
              shape, " has ", shape.numel());
  return view(storage(), body().byte_offset, shape, dtype());
}

Tensor Tensor::slice(int64_t begin, int64_t end) const {
  LATHE_CHECK(rank() >= 1 && 0 <= begin && begin <= end && end <= dim(0), "slice: ", begin, " to ",
              end, " leaves the first dimension of ", shape());
  const int64_t row = dim(0) ? numel() / dim(0) : 0;
  return view(storage(), body().byte_offset + begin * row * size_of(dtype()),
              shape().with(0, end - begin), dtype());
}

Tensor Tensor::detach() const { return view(storage(), body().byte_offset, shape(), dtype()); }

Tensor Tensor::to(Device device) const {
  if (device == this->device()) return *this;
  Tensor y = empty(shape(), dtype(), device);
  copy_bytes(y, *this);
  return y;
}

Tensor Tensor::to(DType dtype) const {
  if (dtype == this->dtype()) return *this;
  Tensor y = empty(shape(), dtype, device());
  kernels::cast(y, *this);
  return y;
}

Tensor Tensor::clone() const {
  Tensor y = empty_like(*this);
  copy_(y, *this);
  return y;
}

double Tensor::item() const {
  LATHE_CHECK(numel() == 1, "item: expects one element, got shape ", shape());
  const Tensor host = to(Device::cpu);
  return dispatch_all(dtype(), [&]<class T>() { return static_cast<double>(*host.data<T>()); });
}

Tensor& Tensor::requires_grad_(bool required) {
  LATHE_CHECK(!required || is_floating(dtype()), "requires_grad: expects a floating type, got ",
              dtype());
  body().requires_grad = required;
  return *this;
}

Tensor Tensor::grad() const { return body_ && body_->has_grad ? Tensor(body_->grad) : Tensor(); }

void Tensor::bind_grad(const Tensor& slot) {
  LATHE_CHECK(slot.shape() == shape() && slot.dtype() == dtype() && slot.device() == device(),
              "bind_grad: expects ", shape(), " ", dtype(), " on ", device(), ", got ",
              slot.shape(), " ", slot.dtype(), " on ", slot.device());
  body().grad = slot.body_;
  body().has_grad = false;
}

Tensor Tensor::unwritten_grad() const { return body().has_grad ? Tensor() : Tensor(body().grad); }

void Tensor::zero_grad() { body().has_grad = false; }

void Tensor::add_grad(const Tensor& gradient) {
  Body& b = body();
  if (!b.grad) b.grad = empty_like(*this).body_;
  Tensor slot(b.grad);
  if (b.has_grad) {
    kernels::accumulate(slot, slot, gradient);
  } else if (!slot.same_elements(gradient)) {
    kernels::copy(slot, gradient);
  }
  b.has_grad = true;
}

void Tensor::rebind(const Tensor& memory) {
  LATHE_CHECK(memory.shape() == shape() && memory.dtype() == dtype() && memory.device() == device(),
              "rebind: expects ", shape(), " ", dtype(), " on ", device(), ", got ", memory.shape(),
              " ", memory.dtype(), " on ", memory.device());
  body().storage = memory.storage();
  body().byte_offset = memory.body().byte_offset;
}

Tensor empty_like(const Tensor& x) { return Tensor::empty(x.shape(), x.dtype(), x.device()); }
Tensor zeros_like(const Tensor& x) { return Tensor::zeros(x.shape(), x.dtype(), x.device()); }

void copy_(Tensor& to, const Tensor& from) {
  LATHE_CHECK(to.numel() == from.numel(), "copy: expects ", to.numel(), " elements for ",
              to.shape(), ", got shape ", from.shape());
  if (to.device() == from.device()) {
    to.dtype() == from.dtype() ? kernels::copy(to, from) : kernels::cast(to, from);
  } else {
    copy_bytes(to, from.to(to.dtype()));
  }
}

void fill_(Tensor& x, double value) { kernels::fill(x, value); }

}  // namespace lathe
