// Linear: initialisation, gradients that land in the memory bound for them.
#include "layers/linear.h"

#include <cmath>

#include "layers/loss.h"
#include "layers/random_state.h"
#include "tensor/tape.h"
#include "tests/support.h"

using namespace lathe;

TEST_CASE("Linear begins within PyTorch's bound, and again the same after manual_seed") {
  manual_seed(3);
  Linear a(50, 20);
  manual_seed(3);
  Linear b(50, 20);
  CHECK(a.weight.to_vector<float>() == b.weight.to_vector<float>());
  double largest = 0, mean_square = 0;
  for (float w : a.weight.to_vector<float>()) {
    largest = std::max(largest, std::abs(double(w)));
    mean_square += double(w) * w / 1000;
  }
  const double bound = 1 / std::sqrt(50.0);
  CHECK(largest <= bound);
  CHECK(mean_square == doctest::Approx(bound * bound / 3).epsilon(0.1));
}

TEST_CASE("Linear writes gradients into the memory bound for them") {
  Linear layer(3, 2);
  Tensor arena = Tensor::full({8}, NAN);
  layer.weight.bind_grad(arena.slice(0, 6).reshape({2, 3}));
  layer.bias.bind_grad(arena.slice(6, 8));
  const Tensor x = Tensor::from<float>({1, 2, 3, -4, 5, -6}, {2, 3});
  Tape tape;
  const Tensor y = layer(x);
  tape.backward(y, Tensor::from<float>({1, 10, 100, 1000}, {2, 2}));
  CHECK(arena.to_vector<float>() ==
        std::vector<float>{-399, 502, -597, -3990, 5020, -5970, 101, 1010});
}

TEST_CASE("ReLU inside Linear equals ReLU after it, with gradients") {
  Linear layer(3, 4);
  Tensor x = Tensor::from<float>({1, -2, 3, -4, 5, 6}, {2, 3});
  x.requires_grad_();
  Tape tape;
  const Tensor y = layer.forward_relu(x);
  const auto linear_y = linear(x.detach(), layer.weight.detach(), layer.bias.detach());
  const auto pre = linear_y.to_vector<float>(), post = y.to_vector<float>();
  std::vector<float> mask(8);
  for (size_t i = 0; i < 8; ++i) {
    CHECK(post[i] == std::max(pre[i], 0.0f));
    mask[i] = pre[i] > 0;
  }
  tape.backward(y, Tensor::full({2, 4}, 1));
  CHECK(layer.bias.grad().to_vector<float>()[1] == mask[1] + mask[5]);
  const auto w = layer.weight.to_vector<float>(), dx = x.grad().to_vector<float>();
  float expected = 0;
  for (size_t n = 0; n < 4; ++n) expected += mask[4 + n] * w[n * 3 + 2];
  CHECK(dx[5] == doctest::Approx(expected));
}
