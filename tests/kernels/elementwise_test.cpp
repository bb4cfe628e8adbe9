// Elementwise rows give the reference's bits, also at the edges and where large results are
// streamed past the caches.
#include "kernels/elementwise.h"

#include <cstring>

#include "tests/support.h"

using namespace lathe;
using namespace lathe::kernels;

namespace {

/// All sizes of numbers of both signs, with zeros, infinities and NaN.
template <class T>
Tensor all_kinds_of_numbers() {
  std::vector<T> values = {T(0), T(-0.0), T(HUGE_VAL), T(-HUGE_VAL), T(NAN)};
  for (int e = -1080; e < 1030; ++e)
    for (double m : {1.0, 1.37, -1.81}) values.push_back(T(std::ldexp(m, e)));
  return Tensor::from(values, {int64_t(values.size())});
}

bool same_bytes(const Tensor& a, const Tensor& b) {
  const auto left = a.to_vector<double>(), right = b.to_vector<double>();
  for (size_t i = 0; i < left.size(); ++i) {  // NaNs have many bits
    if (std::isnan(left[i]) && std::isnan(right[i])) continue;
    if (std::memcmp(&left[i], &right[i], sizeof(double)) != 0) return false;
  }
  return left.size() == right.size();
}

template <class Op>
void check_unary(Op op, const Tensor& x) {
  const std::string forward = unary_forward<Op>.name(), backward = unary_backward<Op>.name();
  Tensor y = empty_like(x), dx = empty_like(x);
  {
    const ForceVariant reference("*=reference");
    unary_forward<Op>(y, x, op);
    unary_backward<Op>(dx, x, y, op);
  }
  for (const RowInfo& row : unary_forward<Op>.rows(Device::cpu)) {
    const ForceVariant forced(concat(forward, "=", row.name, ",", backward, "=", row.name));
    INFO(concat(forward, "=", row.name, " ", x.dtype()));
    Tensor got = empty_like(x), got_dx = empty_like(x), in_place = x.clone();
    try {
      unary_forward<Op>(got, x, op);
    } catch (const Error& e) {  // this processor cannot
      continue;
    }
    unary_backward<Op>(got_dx, x, y, op);
    unary_forward<Op>(in_place, in_place, op);
    CHECK(same_bytes(got, y));
    CHECK(same_bytes(in_place, y));
    CHECK(same_bytes(got_dx, dx));
  }
}

template <class... Ops>
void check_all(OpList<Ops...>, const Tensor& x) {
  (check_unary(Ops{}, x), ...);
}

}  // namespace

TEST_CASE("elementwise rows give the reference's bits") {
  check_all(UnaryOps{}, all_kinds_of_numbers<float>());
  check_all(UnaryOps{}, all_kinds_of_numbers<double>());
  check_all(UnaryOps{}, all_kinds_of_numbers<float>().to(DType::bf16));
}

TEST_CASE("elementwise rows stream large results") {
  const int64_t count = (int64_t(32) << 20) / 4 + 1031;
  Tensor x = Tensor::empty({count + 1});
  for (int64_t i = 0; i <= count; ++i) x.data<float>()[i] = float(i % 1009) - 500;
  check_unary(Relu{}, x);
  check_unary(Relu{}, x.slice(1, count + 1));
}
