// What op cases are too small for: the large tiles of the tensor cores' rung, which it takes where
// they give enough blocks for a GPU. Groups give these, with few multiplications.
#include "kernels/conv2d.h"

#include "tensor/random.h"
#include "tests/support.h"

using namespace lathe;

namespace {

Tensor random(const Shape& shape, uint32_t index) {
  Tensor x = Tensor::empty(shape);
  uniform_(x, -1, 1, RandomStream(1, Purpose::test, 0, index));
  return x.to(DType::bf16);
}

/// f with the GPU's tensor cores, and with the CPU's reference rows in f32.
template <class F>
void compare(const char* kernel, const Shape& result, const F& f) {
  Tensor got = Tensor::empty(result, DType::bf16, Device::cuda), want = Tensor::empty(result);
  {
    const ForceVariant forced(concat(kernel, "=tensor_core"));
    f(got, [](const Tensor& x) { return x.to(Device::cuda); });
  }
  const ForceVariant forced("*=reference");
  f(want, [](const Tensor& x) { return x.to(DType::f32); });
  CHECK(tests::error(got.to(Device::cpu), want) <= 2e-2);
}

}  // namespace

TEST_CASE("conv2d: large tiles of the tensor cores") {
  if (tests::slow_build) return;
  if (const std::string reason = unavailable(Device::cuda); !reason.empty())
    return tests::skip("conv2d: large tiles of the tensor cores", reason);
  constexpr int64_t groups = 256, few = 40, many = 72, h = 5, w = 13;
  const kernels::Conv2dShape shape{.groups = groups};
  const auto image = [](int64_t channels) { return Shape({1, h, w, groups * channels}); };
  const Tensor x = random(image(few), 0), dy = random(image(few), 1), wide = random(image(many), 2);
  SUBCASE("forward") {
    const Tensor filters = random({groups * many, 1, 1, few}, 3);
    compare("conv2d_forward", image(many), [&](Tensor& y, const auto& on) {
      kernels::conv2d_forward(y, on(x), on(filters), Tensor(), Tensor(),
                              kernels::Nonlinearity::none, shape);
    });
  }
  SUBCASE("backward_input") {
    const Tensor filters = random({groups * few, 1, 1, many}, 3);
    compare("conv2d_backward_input", image(many), [&](Tensor& dx, const auto& on) {
      kernels::conv2d_backward_input(dx, on(dy), on(filters), shape);
    });
  }
  SUBCASE("backward_weight") {
    const Tensor wide_dy = random(image(many), 4);
    Tensor no_bias;
    compare("conv2d_backward_weight", {groups * many, 1, 1, many}, [&](Tensor& dw, const auto& on) {
      kernels::conv2d_backward_weight(dw, no_bias, on(wide_dy), on(wide), shape);
    });
  }
}
