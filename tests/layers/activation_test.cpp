// Modules without parameters: they print as PyTorch 2's do, and Sequential chains and names them.
#include "layers/activation.h"

#include "layers/arithmetic.h"
#include "layers/drop_path.h"
#include "layers/flatten.h"
#include "layers/pool2d.h"
#include "layers/reduce.h"
#include "layers/sequential.h"
#include "tensor/tape.h"
#include "tests/support.h"

using namespace lathe;

TEST_CASE("modules print as PyTorch's") {
  Sequential model;
  model.add<Flatten>();
  model.add<ReLU>();
  model.add<LeakyReLU>();
  model.add<LeakyReLU>(1);
  model.add<Sequential>(std::make_unique<Sigmoid>(), std::make_unique<Tanh>());
  model.add<SiLU>();
  model.add<GELU>();
  model.add<GELU>(GeluForm::tanh);
  model.add<ReLU6>();
  model.add<Hardswish>();
  model.add<Hardsigmoid>();
  model.add<MaxPool2d>(PoolWindow{.kernel = 3, .stride = 2, .padding = 1});
  model.add<MaxPool2d>(PoolWindow{.kernel = {2, 3}, .ceil_mode = true});
  model.add<AvgPool2d>(PoolWindow{.kernel = 3, .stride = 1, .padding = 1});
  model.add<AdaptiveAvgPool2d>(Size2{1, 2});
  model.add<DropPath>(0.2);
  CHECK_EQ(model.print(), R"(Sequential(
  (0): Flatten(start_dim=1, end_dim=-1)
  (1): ReLU()
  (2): LeakyReLU(negative_slope=0.01)
  (3): LeakyReLU(negative_slope=1.0)
  (4): Sequential(
    (0): Sigmoid()
    (1): Tanh()
  )
  (5): SiLU()
  (6): GELU(approximate='none')
  (7): GELU(approximate='tanh')
  (8): ReLU6()
  (9): Hardswish()
  (10): Hardsigmoid()
  (11): MaxPool2d(kernel_size=3, stride=2, padding=1, dilation=1, ceil_mode=False)
  (12): MaxPool2d(kernel_size=(2, 3), stride=(2, 3), padding=0, dilation=1, ceil_mode=True)
  (13): AvgPool2d(kernel_size=3, stride=1, padding=1)
  (14): AdaptiveAvgPool2d(output_size=(1, 2))
  (15): DropPath(drop_prob=0.200)
))");
}

TEST_CASE("Sequential runs its modules in order and names them in errors") {
  Sequential model;
  model.add<Flatten>();
  model.add<ReLU>();
  const Tensor y = model(Tensor::from<float>({-1, 2, 3, -4}, {1, 2, 2}));
  CHECK_EQ(y.shape(), Shape{1, 4});
  CHECK_EQ(y.to_vector<float>(), std::vector<float>{0, 2, 3, 0});
  model.name_paths();
  CHECK_EQ(tests::message_of([&] {
             model(Tensor::zeros({2, 2}, DType::i32));
           }),
           "1: relu: expects a floating type, got i32");
  CHECK_EQ(tests::message_of([&] { model[2]; }), "Sequential: has modules 0 to 1, not 2");
}

TEST_CASE("gradients at the edges of the numbers are PyTorch's") {
  for (Device device : tests::devices()) {
    CAPTURE(int(device));
    const auto gradient = [&](const Tensor& x, auto&& f) {
      Tensor leaf = x.to(device).requires_grad_();
      Tape tape;
      tape.backward(f(leaf));
      return leaf.grad().to_vector<float>();
    };
    // threshold_backward passes the gradient on where x is NaN.
    const auto at_nan = gradient(Tensor::from<float>({std::nanf(""), 1, -1, 0}, {4}),
                                 [](const Tensor& x) { return sum(relu(x)); });
    CHECK_EQ(at_nan, std::vector<float>{1, 1, 0, 0});
    // d/db a / b = -a / b^2, where b^2 is not an f32 any more.
    const Tensor a = Tensor::full({1}, 1e-30, DType::f32, device);
    const auto small = gradient(Tensor::full({1}, 1e-30, DType::f32, Device::cpu),
                                [&](const Tensor& b) { return sum(div(a, b)); });
    CHECK_EQ(small[0], doctest::Approx(-1e30));
  }
}
