// Results and gradients of ops against PyTorch's (tests/goldens/make_ops.py), in f64 and f32.
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "layers/activation.h"
#include "layers/arithmetic.h"
#include "layers/flatten.h"
#include "layers/loss.h"
#include "layers/matmul.h"
#include "layers/reduce.h"
#include "layers/softmax.h"
#include "tensor/tape.h"
#include "tests/support.h"

using namespace lathe;
using nlohmann::json;

namespace {

using Inputs = std::vector<Tensor>;
/// An op on floating inputs x and integers t.
using Op = std::function<Tensor(const Inputs& x, const Inputs& t)>;

Op unary(Tensor (*f)(const Tensor&)) {
  return [f](const Inputs& x, const Inputs&) { return f(x[0]); };
}
Op binary(Tensor (*f)(const Tensor&, const Tensor&)) {
  return [f](const Inputs& x, const Inputs&) { return f(x[0], x[1]); };
}
Op reduction(Tensor (*f)(const Tensor&, Over), Over over) {
  return [=](const Inputs& x, const Inputs&) { return f(x[0], over); };
}

const std::map<std::string, Op> ops = {
    {"relu", unary(relu)},
    {"leaky_relu", [](auto& x, auto&) { return leaky_relu(x[0], 0.2); }},
    {"sigmoid", unary(sigmoid)},
    {"tanh", unary(tanh)},
    {"silu", unary(silu)},
    {"gelu", [](auto& x, auto&) { return gelu(x[0]); }},
    {"gelu_tanh", [](auto& x, auto&) { return gelu(x[0], GeluForm::tanh); }},
    {"exp", unary(exp)},
    {"log", unary(log)},
    {"sqrt", unary(sqrt)},
    {"square", unary(square)},
    {"abs", unary(abs)},
    {"neg", unary(neg)},
    {"add_number", [](auto& x, auto&) { return add(x[0], 0.25); }},
    {"mul_number", [](auto& x, auto&) { return mul(x[0], -1.5); }},
    {"add", binary(add)},
    {"sub", binary(sub)},
    {"mul", binary(mul)},
    {"div", binary(div)},
    {"flatten", [](auto& x, auto&) { return flatten(x[0], 1); }},
    {"sum", reduction(sum, Over::all)},
    {"mean", reduction(mean, Over::all)},
    {"max", reduction(max, Over::all)},
    {"sum_last", reduction(sum, Over::last)},
    {"mean_first", reduction(mean, Over::first)},
    {"max_last", reduction(max, Over::last)},
    {"matmul", [](auto& x, auto&) { return matmul(x[0], x[1]); }},
    {"matmul_transposed", [](auto& x, auto&) { return matmul(x[0], x[1], {.b = true}); }},
    {"matmul_batched", [](auto& x, auto&) { return matmul(x[0], x[1]); }},
    {"cross_entropy", [](auto& x, auto& t) { return cross_entropy(x[0], t[0]); }},
    {"cross_entropy_smoothed",
     [](auto& x, auto& t) { return cross_entropy(x[0], t[0], {.label_smoothing = 0.1}); }},
    {"cross_entropy_weighted",
     [](auto& x, auto& t) {
       const Tensor weights = Tensor::from<double>({0.5, 1, 2, 1, 0.25}, {5}).to(x[0].dtype());
       return cross_entropy(x[0], t[0], {.label_smoothing = 0.1, .class_weights = weights});
     }},
    {"bce", [](auto& x, auto& t) { return bce_with_logits(x[0], t[0]); }},
    {"bce_weighted", [](auto& x, auto& t) { return bce_with_logits(x[0], t[0], 2.5); }},
    {"mse", binary(mse)},
    {"softmax", unary(softmax)},
    {"log_softmax", unary(log_softmax)},
};

template <class T>
Tensor tensor_of(const json& values) {
  const auto extents = values["shape"].get<std::vector<int64_t>>();
  return Tensor::from(values["values"].get<std::vector<T>>(), Shape(extents));
}

void check_case(const json& c, DType dtype, double tolerance) {
  Inputs inputs, integers;
  for (const json& values : c["inputs"])
    inputs.push_back(tensor_of<double>(values).to(dtype).clone().requires_grad_());
  for (const json& values : c["integers"]) integers.push_back(tensor_of<int64_t>(values));
  Tape tape;
  Tensor y = ops.at(c["op"])(inputs, integers);
  const Tensor want = tensor_of<double>(c["y"]);
  const Tensor dy = tensor_of<double>(c["dy"]).to(dtype);
  CHECK(y.numel() == want.numel());
  CHECK(tests::error(y.reshape(want.shape()), want) <= tolerance);
  tape.backward(y, dy.reshape(y.shape()));
  for (size_t i = 0; i < inputs.size(); ++i)
    CHECK(tests::error(inputs[i].grad(), tensor_of<double>(c["gradients"][i])) <= tolerance);
}

}  // namespace

TEST_CASE("ops and their gradients equal PyTorch's") {
  std::ifstream in(std::string(LATHE_GOLDENS) + "/ops.json");
  const json cases = json::parse(in);
  for (const json& c : cases) {
    CAPTURE(c["op"].get<std::string>());
    check_case(c, DType::f64, 1e-10);
    check_case(c, DType::f32, 1e-5);
  }
  CHECK(cases.size() >= ops.size());
}
