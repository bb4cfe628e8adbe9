// Activations and arithmetic, through the public ops.
#include "kernels/elementwise.h"
#include "layers/activation.h"
#include "layers/arithmetic.h"
#include "tests/op_cases/op_case.h"

namespace lathe::tests {
namespace {

/// An op of one argument and the domain in which it is tested.
struct UnaryOp {
  const char* name;
  Tensor (*call)(const Tensor& x);
  double low = -3, high = 3;
  bool kink_at_zero = false;
  double flops = 1;  ///< an element
};

const UnaryOp unary_ops[] = {
    {"relu", relu, -1, 1, true},
    {"relu6", relu6, -1, 1, true},
    {"hardsigmoid", hardsigmoid, -2.9, 2.9},
    {"hardswish", hardswish, -2.9, 2.9},
    {"leaky_relu", [](const Tensor& x) { return leaky_relu(x, 0.2); }, -1, 1, true},
    {.name = "sigmoid", .call = sigmoid, .flops = 20},
    {.name = "tanh", .call = tanh, .flops = 20},
    {.name = "silu", .call = silu, .flops = 20},
    {.name = "gelu", .call = [](const Tensor& x) { return gelu(x); }, .flops = 50},
    {.name = "gelu_tanh",
     .call = [](const Tensor& x) { return gelu(x, GeluForm::tanh); },
     .flops = 25},
    {.name = "exp", .call = exp, .flops = 18},
    {.name = "log", .call = log, .low = 0.1, .high = 4, .flops = 25},
    {"sqrt", sqrt, 0.1, 4},
    {"square", square},
    {"abs", abs, -1, 1, true},
    {"neg", neg},
    {"add_number", [](const Tensor& x) { return add(x, 0.25); }},
    {"mul_number", [](const Tensor& x) { return mul(x, -1.5); }},
};

struct BinaryOp {
  const char* name;
  Tensor (*call)(const Tensor& a, const Tensor& b);
};

const BinaryOp binary_ops[] = {{"add", add}, {"sub", sub}, {"mul", mul}, {"div", div}};

OpCase unary_case(const UnaryOp& op, const Shape& shape) {
  return {.name = concat(op.name, shape),
          .inputs = {{.shape = shape,
                      .low = op.low,
                      .high = op.high,
                      .margin = op.kink_at_zero ? 0.02 : -1}},
          .call = [call = op.call](const auto& in) { return std::vector{call(in[0])}; },
          .tiny = shape.numel() < 100,
          .flops = op.flops * double(shape.numel()),
          .elements = 2.0 * double(shape.numel())};
}

OpCase binary_case(const BinaryOp& op, const Shape& a, const Shape& b) {
  return {.name = concat(op.name, a, b),
          .inputs = {{.shape = a}, {.shape = b, .low = 0.5, .high = 2}},
          .call = [call = op.call](const auto& in) { return std::vector{call(in[0], in[1])}; },
          .tiny = a.numel() < 100,
          .flops = double(a.numel()),
          .elements = 2.0 * double(a.numel()) + double(b.numel())};
}

/// Views that begin at odd addresses: rows that need alignment decline them.
OpCase slice_case() {
  return {.name = "relu/slice",
          .inputs = {{.shape = {34, 3}, .margin = 0.02}},
          .call =
              [](const auto& in) {
                const Tensor part = in[0].slice(1, 34).detach();
                Tensor copy = empty_like(part);
                copy_(copy, part);
                return std::vector{relu(part), copy};
              },
          .differentiable = false,
          .tiny = true};
}

/// The backward kernels alone, for the benchmarks.
template <class Op>
OpCase backward_bench(Op op, int64_t count) {
  return {.name = concat(Op::name, "_backward/", count),
          .inputs = {{{count}}, {.shape = {count}, .low = 0.1}},
          .call =
              [op](const auto& in) {
                Tensor dx = empty_like(in[0]);
                kernels::unary_backward<Op>(dx, in[0], in[1], op);
                return std::vector{dx};
              },
          .differentiable = false,
          .bench = true,
          .elements = 3.0 * double(count)};
}

template <class... Ops>
void add_backward_benches(std::vector<OpCase>& all, kernels::OpList<Ops...>, int64_t count) {
  (all.push_back(backward_bench(Ops{}, count)), ...);
}

std::vector<OpCase> elementwise_cases() {
  std::vector<OpCase> all;
  for (const UnaryOp& op : unary_ops)
    for (const Shape& shape : {Shape{}, Shape{0, 3}, Shape{1}, Shape{31, 33}, Shape{5, 7, 257}})
      all.push_back(unary_case(op, shape));
  for (const BinaryOp& op : binary_ops)
    for (const auto& [a, b] : {std::pair{Shape{}, Shape{}},
                               {Shape{1}, Shape{1}},
                               {Shape{0, 3}, Shape{3}},
                               {Shape{4, 0}, Shape{0}},
                               {Shape{3, 5}, Shape{3, 5}},
                               {Shape{6, 7}, Shape{7}},
                               {Shape{31, 33}, Shape{}},
                               {Shape{33, 31}, Shape{33, 31}},
                               {Shape{5, 7, 33}, Shape{7, 33}},
                               {Shape{3, 1029}, Shape{1029}}})
      all.push_back(binary_case(op, a, b));
  all.push_back(slice_case());
  // 64 MB of f32; a bias of a usual width.
  constexpr int64_t large = 16 << 20;
  auto bench = [&](OpCase op_case) {
    op_case.bench = true;
    all.push_back(std::move(op_case));
  };
  for (const UnaryOp& op : unary_ops) bench(unary_case(op, {large}));
  for (const BinaryOp& op : binary_ops) {
    bench(binary_case(op, {large}, {large}));
    bench(binary_case(op, {large / 1024, 1024}, {1024}));
  }
  add_backward_benches(all, kernels::UnaryOps{}, large);
  return all;
}

std::vector<ErrorCase> elementwise_errors() {
  return {
      {"relu/integers", [] { relu(Tensor::zeros({2}, DType::i64)); },
       "relu: expects a floating type, got i64"},
      {"add/shapes",
       [] {
         add(Tensor::zeros({2, 3}), Tensor::zeros({2}));
       },
       "add: b expects the shape of a's trailing dimensions, got a (2, 3) and b (2,)"},
      {"div/rank",
       [] {
         div(Tensor::zeros({3}), Tensor::zeros({2, 3}));
       },
       "div: b expects the shape of a's trailing dimensions, got a (3,) and b (2, 3)"},
      {"mul/types", [] { mul(Tensor::zeros({3}), Tensor::zeros({3}, DType::f64)); },
       "mul: expects operands of one type, got f32 and f64"},
  };
}

const Registered registered{elementwise_cases, elementwise_errors};

}  // namespace
}  // namespace lathe::tests
