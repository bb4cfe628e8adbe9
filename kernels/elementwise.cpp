// Elementwise ops on the CPU, reference rows.
//   y = f(x)          dx = dy f'(s), s being x or y
//   y = f(a, b)       da = dy f_a(a, b)       db = sum over rows of dy f_b(a, b)
// Layout: flat arrays; b is repeated every b.numel() elements. The ops themselves, with their
// sources, are in kernels/elementwise.h; fast rows are in kernels/elementwise_avx.cpp.
#include "kernels/elementwise.h"

#include "kernels/convert.h"
#include "tensor/parallel.h"

namespace lathe::kernels {
namespace {

constexpr int64_t grain = 1 << 13;

/// y[i] = f(i) for all i, computed in acc_t<T>.
template <class T, class F>
void for_each_element(int64_t count, T* y, const F& f) {
  parallel_for(0, count, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) y[i] = convert<T>(f(i));
  });
}

template <class T>
acc_t<T> read(const T* x, int64_t i) {
  return convert<acc_t<T>>(x[i]);
}

template <class Op>
void unary_forward_reference(Tensor& y, const Tensor& x, Op op) {
  dispatch_floating(Op::name, x.dtype(), [&]<class T>() {
    const T* const in = x.data<T>();
    for_each_element(x.numel(), y.data<T>(), [=](int64_t i) { return op.value(read(in, i)); });
  });
}

template <class Op>
void unary_backward_reference(Tensor& dx, const Tensor& dy, const Tensor& saved, Op op) {
  dispatch_floating(Op::name, dy.dtype(), [&]<class T>() {
    const T *const above = dy.data<T>(), *const s = saved.data<T>();
    for_each_element(dy.numel(), dx.data<T>(),
                     [=](int64_t i) { return read(above, i) * op.slope(read(s, i)); });
  });
}

template <class Op>
void binary_forward_reference(Tensor& y, const Tensor& a, const Tensor& b, Op op) {
  dispatch_floating(Op::name, a.dtype(), [&]<class T>() {
    const T *const left = a.data<T>(), *const right = b.data<T>();
    const int64_t period = b.numel();
    for_each_element(a.numel(), y.data<T>(),
                     [=](int64_t i) { return op.value(read(left, i), read(right, i % period)); });
  });
}

template <class Op>
void binary_backward_a_reference(Tensor& da, const Tensor& dy, const Tensor& a, const Tensor& b,
                                 Op op) {
  dispatch_floating(Op::name, a.dtype(), [&]<class T>() {
    const T *const above = dy.data<T>(), *const left = a.data<T>(), *const right = b.data<T>();
    const int64_t period = b.numel();
    for_each_element(a.numel(), da.data<T>(), [=](int64_t i) {
      return read(above, i) * op.slope_a(read(left, i), read(right, i % period));
    });
  });
}

template <class Op>
void binary_backward_b_reference(Tensor& db, const Tensor& dy, const Tensor& a, const Tensor& b,
                                 Op op) {
  dispatch_floating(Op::name, a.dtype(), [&]<class T>() {
    const T *const above = dy.data<T>(), *const left = a.data<T>(), *const right = b.data<T>();
    const int64_t count = a.numel(), period = b.numel();
    for_each_element(period, db.data<T>(), [=](int64_t j) {
      acc_t<T> sum = 0;
      for (int64_t i = j; i < count; i += period)
        sum += read(above, i) * op.slope_b(read(left, i), read(right, j));
      return sum;
    });
  });
}

constexpr Rank rank = Rank::reference;

template <class... Ops>
bool register_unary(OpList<Ops...>) {
  (unary_forward<Ops>.add(Device::cpu, rank, {{"reference", unary_forward_reference<Ops>}}), ...);
  (unary_backward<Ops>.add(Device::cpu, rank, {{"reference", unary_backward_reference<Ops>}}), ...);
  return true;
}
template <class... Ops>
bool register_binary(OpList<Ops...>) {
  (binary_forward<Ops>.add(Device::cpu, rank, {{"reference", binary_forward_reference<Ops>}}), ...);
  (binary_backward_b<Ops>.add(Device::cpu, rank, {{"reference", binary_backward_b_reference<Ops>}}),
   ...);
  return true;
}
template <class... Ops>
bool register_products(OpList<Ops...>) {
  (binary_backward_a<Ops>.add(Device::cpu, rank, {{"reference", binary_backward_a_reference<Ops>}}),
   ...);
  return true;
}

[[maybe_unused]] const bool registered =
    register_unary(UnaryOps{}) && register_binary(BinaryOps{}) && register_products(ProductOps{});

}  // namespace
}  // namespace lathe::kernels
