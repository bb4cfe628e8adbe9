// What op cases are too small for: the large tiles of the tensor cores' rung, which it takes where
// they give enough blocks for a GPU. Groups give these, with few multiplications.
#include "kernels/conv2d.h"

#include <cmath>
#include <limits>

#include "layers/conv2d.h"
#include "tensor/constant.h"
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

namespace {

Tensor random_f64(const Shape& shape, uint32_t index) {
  Tensor x = Tensor::empty(shape, DType::f64);
  uniform_(x, -1, 1, RandomStream(1, Purpose::test, 0, index));
  return x;
}

struct WeightCase {
  int64_t n, h, w, c, o, window;
  kernels::Conv2dShape k;
};

}  // namespace

// Several chunks of rows and of images, several blocks of channels, ends of all of them.
TEST_CASE("conv2d: the weight's gradient over many positions and channels") {
  if (tests::slow_build) return;
  const kernels::Conv2dShape same{.pad_top = 1, .pad_bottom = 1, .pad_left = 1, .pad_right = 1},
      strided{.stride_h = 2, .stride_w = 3, .pad_top = 2, .pad_left = 1, .dilation_w = 2};
  for (const WeightCase& v :
       {WeightCase{1, 50, 47, 16, 24, 3, same}, WeightCase{60, 7, 7, 33, 31, 3, same},
        WeightCase{2, 61, 40, 40, 27, 3, strided}, WeightCase{3, 40, 33, 150, 25, 1, {}},
        WeightCase{3, 41, 33, 17, 65, 1, {.stride_h = 2, .stride_w = 2}}}) {
    CAPTURE(v.c);
    const kernels::Conv2dShape& k = v.k;
    const int64_t p = kernels::conv2d_output(v.h, v.window, k.pad_top + k.pad_bottom, k.stride_h,
                                             k.dilation_h),
                  q = kernels::conv2d_output(v.w, v.window, k.pad_left + k.pad_right, k.stride_w,
                                             k.dilation_w);
    const Tensor x = random_f64({v.n, v.h, v.w, v.c}, 0), dy = random_f64({v.n, p, q, v.o}, 1);
    const auto gradients = [&](DType dtype, const char* rows) {
      const ForceVariant forced(rows);
      Tensor dw = Tensor::empty({v.o, v.window, v.window, v.c}, dtype);
      Tensor dbias = Tensor::empty({v.o}, dtype);
      kernels::conv2d_backward_weight(dw, dbias, dy.to(dtype), x.to(dtype), k);
      return std::vector{dw, dbias};
    };
    const auto want = gradients(DType::f64, "*=reference");
    for (const auto& row : kernels::conv2d_backward_weight.rows(Device::cpu)) {
      if (row.name == std::string("reference")) continue;
      CAPTURE(row.name);
      const std::string rows = concat("conv2d_backward_weight=", row.name);
      for (DType dtype : {DType::f32, DType::f64}) {
        std::vector<Tensor> got;
        try {
          got = gradients(dtype, rows.c_str());
        } catch (const Error&) {
          continue;  // the row declines
        }
        for (size_t i = 0; i < 2; ++i)
          CHECK(tests::error(got[i], want[i]) <= (dtype == DType::f32 ? 1e-5 : 1e-12));
      }
    }
  }
}

TEST_CASE("conv2d: NaN passes through the functions of every row") {
  using kernels::Nonlinearity;
  Tensor x = Tensor::full({1, 4, 4, 32}, 1), y = Tensor::empty({1, 4, 4, 32});
  const Tensor residual = Tensor::full({1, 4, 4, 32}, -1200);
  x.data<float>()[0] = std::numeric_limits<float>::quiet_NaN();
  for (const auto& row : kernels::conv2d_forward.rows(Device::cpu))
    for (int64_t window : {1, 3})
      for (Nonlinearity f : {Nonlinearity::relu, Nonlinearity::relu6, Nonlinearity::silu})
        for (const Tensor& added : {Tensor(), residual}) {
          CAPTURE(row.name);
          CAPTURE(int(f));
          // fours_avx2 takes groups of four alone, the others everything, indirect_avx2 not windows
          // of one pixel, nor machines with AVX-512
          const int64_t pad = window / 2, groups = row.name == std::string("fours_avx2") ? 8 : 1;
          const auto call = [&] {
            kernels::conv2d_forward(y, x, Tensor::full({32, window, window, 32 / groups}, 1), {},
                                    added, f,
                                    {.pad_top = pad,
                                     .pad_bottom = pad,
                                     .pad_left = pad,
                                     .pad_right = pad,
                                     .groups = groups});
          };
          const ForceVariant forced(concat("conv2d_forward=", row.name));
          try {
            call();
          } catch (const Error&) {
            CHECK(row.name == std::string("indirect_avx2"));
            continue;
          }
          CHECK(std::isnan(y.data<float>()[0]));
          const float last = y.data<float>()[y.numel() - 1];
          if (f == Nonlinearity::relu) CHECK((added ? std::abs(last) < 1e-15 : last >= 4));
        }
}

TEST_CASE("conv2d: what is derived from a constant weight is made once, and not from others") {
  struct Count {
    int calls = 0;
  };
  const Tensor w = random_f64({4, 3, 3, 8}, 0);
  CHECK(derived_from<Count>(w) == nullptr);
  {
    const Tensor constant = constant_view(w);
    CHECK(constant.raw() == w.raw());
    ++derived_from<Count>(constant)->calls;
    CHECK(derived_from<Count>(constant.detach())->calls == 1);
    CHECK(derived_from<Count>(constant.slice(0, 2)) == nullptr);
    CHECK(derived_from<Count>(constant_view(w))->calls == 0);
  }
  CHECK(derived_from<Count>(w) == nullptr);
}

TEST_CASE("Conv2d in inference computes with the weights of its last inference()") {
  Conv2d conv({.in_channels = 16, .out_channels = 32, .kernel = 3, .padding = 1});
  const Tensor x = random_f64({1, 9, 9, 16}, 0).to(DType::f32);
  conv.inference();
  for (double weight : {1.0, 2.0}) {
    conv.eval();
    conv.load_state_dict(
        {{"weight", Tensor::full({32, 16, 3, 3}, weight)}, {"bias", Tensor::full({32}, weight)}});
    const Tensor want = conv(x);
    conv.inference();
    for (int i = 0; i < 2; ++i) CHECK(tests::error(conv(x), want) <= 1e-6);
  }
}
