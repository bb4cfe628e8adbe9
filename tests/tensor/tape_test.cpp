#include "tensor/tape.h"

#include "tensor/basic_kernels.h"
#include "tests/support.h"

using namespace lathe;
using tests::message_of;

namespace {

/// A test op with a known gradient: y = a + b.
Tensor add(const Tensor& a, const Tensor& b) {
  Tensor y = empty_like(a);
  kernels::accumulate(y, a, b);
  return record("add", y, {a, b}, [](const Tensor& dy, const Needs&) -> Grads { return {dy, dy}; });
}

Tensor scalar(double value) { return Tensor::full({}, value, DType::f64); }

}  // namespace

TEST_CASE("gradients add up over a diamond") {
  Tensor w = scalar(2).requires_grad_();
  Tape tape;
  const Tensor a = add(w, w), b = add(a, w);
  tape.backward(add(b, a));
  CHECK_EQ(w.grad().item(), 5);
  CHECK_EQ(tape.size(), 0u);
}

TEST_CASE("a second backward adds, zero_grad starts anew") {
  Tensor w = scalar(2).requires_grad_();
  for (double expected : {1.0, 2.0}) {
    Tape tape;
    tape.backward(add(w, scalar(1)));
    CHECK_EQ(w.grad().item(), expected);
  }
  w.zero_grad();
  CHECK_FALSE(w.grad());
  Tape tape;
  tape.backward(add(w, scalar(1)));
  CHECK_EQ(w.grad().item(), 1);
}

TEST_CASE("a bound gradient is written in place") {
  Tensor arena = Tensor::full({3}, 7, DType::f64);
  Tensor w = Tensor::zeros({2}, DType::f64).requires_grad_();
  w.bind_grad(arena.slice(1, 3));
  Tape tape;
  const Tensor y =
      record("square", w.detach(), {w}, [](const Tensor&, const Needs& needs) -> Grads {
        Tensor dw = needs.out(0);
        fill_(dw, 4);
        return {dw};
      });
  tape.backward(y, Tensor::zeros({2}, DType::f64));
  CHECK_EQ(arena.to_vector<double>(), std::vector<double>{7, 4, 4});
}

TEST_CASE("long chains need no stack, with and without backward") {
  Tensor w = scalar(1).requires_grad_();
  for (bool backward : {false, true}) {
    Tape tape;
    Tensor y = w;
    const Tensor zero = scalar(0);
    for (int i = 0; i < 200000; ++i) y = add(y, zero);
    if (backward) tape.backward(y);
  }
  CHECK_EQ(w.grad().item(), 1);
}

TEST_CASE("nothing is recorded without a tape, or without a tracked input") {
  Tensor w = scalar(1).requires_grad_();
  const Tensor outside = add(w, w);
  Tape tape;
  add(scalar(1), scalar(2));
  CHECK_EQ(tape.size(), 0u);
  CHECK_EQ(message_of([&] { tape.backward(outside); }),
           "backward: the loss does not depend on any tensor that requires a gradient");
}

TEST_CASE("wrong backwards are named") {
  Tensor w = scalar(1).requires_grad_();
  const auto run = [&](Backward backward) {
    return message_of([&] {
      Tape tape;
      tape.backward(record("bad", scalar(1), {w}, backward));
    });
  };
  CHECK_EQ(run([](const Tensor&, const Needs&) -> Grads { return {}; }),
           "bad: its backward returned 0 gradients for 1 inputs");
  CHECK_EQ(run([](const Tensor&, const Needs&) -> Grads { return {Tensor()}; }),
           "bad: its backward returned no gradient for input 0");
  CHECK_EQ(run([](const Tensor&, const Needs&) -> Grads { return {Tensor::zeros({2})}; }),
           "bad: its backward returned for input 0 a gradient (2,) f32, expected () f64");
  CHECK_EQ(message_of([&] {
             Tape tape;
             tape.backward(no_backward("argmax", scalar(1), {w}));
           }),
           "argmax: has no gradient; detach its input, or leave its result out of the loss");
  CHECK_EQ(message_of([&] {
             Tape tape;
             Tensor y;
             {
               const std::string path = "fc1";
               const ErrorScope layer(path);
               y = record("bad", scalar(1), {w},
                          [](const Tensor&, const Needs&) -> Grads { return {Tensor()}; });
             }
             tape.backward(y);
           }),
           "fc1: bad: its backward returned no gradient for input 0");
  CHECK_EQ(message_of([&] {
             Tape tape;
             tape.backward(Tensor(), scalar(1));
           }),
           "backward: the loss does not depend on any tensor that requires a gradient");
}

TEST_CASE("a tape inside a backward recomputes: checkpointing") {
  Tensor w = scalar(3).requires_grad_();
  Tape tape;
  const Tensor y = record("checkpoint", add(w, w).detach(), {w},
                          [x = w.detach()](const Tensor& dy, const Needs&) -> Grads {
                            Tensor inside = x.detach().requires_grad_();
                            Tape inner;
                            inner.backward(add(inside, inside), dy);
                            return {inside.grad()};
                          });
  tape.backward(y);
  CHECK_EQ(w.grad().item(), 2);
}
