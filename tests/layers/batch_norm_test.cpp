// Batch norm against PyTorch's (tests/goldens/make_batch_norm.py), in replayed plans, with memory
// that gradients take over, and folded into a convolution.
#include "layers/conv_norm.h"

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "layers/arithmetic.h"
#include "layers/reduce.h"
#include "tensor/plan.h"
#include "tensor/tape.h"
#include "tests/support.h"

using namespace lathe;
using kernels::Nonlinearity;
using nlohmann::json;

namespace {

const std::map<std::string, Nonlinearity> nonlinearities = {{"none", Nonlinearity::none},
                                                            {"relu", Nonlinearity::relu},
                                                            {"relu6", Nonlinearity::relu6},
                                                            {"silu", Nonlinearity::silu}};

Tensor tensor_of(const json& values, DType dtype) {
  const auto extents = values["shape"].get<std::vector<int64_t>>();
  return Tensor::from(values["values"].get<std::vector<double>>(), Shape(extents)).to(dtype);
}

/// A step's results and gradients; with `own`, x and dy are held by nobody else, so that their
/// memory is reused.
void check_step(BatchNorm2d& norm, const json& step, Nonlinearity f, DType dtype, double tolerance,
                bool own) {
  const auto golden = [&](const char* name) { return tensor_of(step[name], dtype); };
  const auto near = [&](const char* name, const Tensor& got) {
    CAPTURE(name);
    CHECK(tests::error(got, tensor_of(step[name], DType::f64)) <= tolerance);
  };
  Tensor x = golden("x").requires_grad_(), residual;
  if (step.contains("residual")) residual = golden("residual").requires_grad_();
  norm.zero_grad();
  Tape tape;
  const Tensor dy = golden("dy");
  Tensor y = own ? norm.forward(mul(x, 1.0), f, residual) : norm.forward(x, f, residual);
  near("y", y);
  if (own)
    tape.backward(sum(mul(y, dy)));
  else
    tape.backward(y, dy);
  near("dx", x.grad());
  near("dweight", norm.weight.grad());
  near("dbias", norm.bias.grad());
  if (residual) near("dresidual", residual.grad());
  near("running_mean", norm.running.mean);
  near("running_var", norm.running.var);
  CHECK(norm.running.batches.item() == step["batches"].get<double>());
}

/// bn(x) trained on the first elements that x holds, as a step of a plan.
struct Step {
  BatchNorm2d norm{3};
  Tensor x = Tensor::from<float>({1, 2, 3, 4, 5, 7, 7, 9, 12, 0, 1, 5}, {4, 3}), y;
  void operator()() {
    Tape tape;
    x.requires_grad_();
    y = norm.forward(mul(x, 2.0), Nonlinearity::relu);
    tape.backward(sum(y));
  }
};

}  // namespace

TEST_CASE("batch norm, its gradients and running statistics equal PyTorch's") {
  std::ifstream in(tests::golden("batch_norm.json"));
  for (const json& c : json::parse(in))
    for (const auto& [dtype, tolerance] : {std::pair{DType::f64, 1e-10}, {DType::f32, 1e-5}})
      for (bool own : {false, true}) {
        CAPTURE(c["f"].get<std::string>());
        BatchNorm2d norm(3, {.eps = 1e-3, .momentum = 0.2});
        norm.to(dtype);
        norm.weight = tensor_of(c["weight"], dtype).requires_grad_();
        norm.bias = tensor_of(c["bias"], dtype).requires_grad_();
        for (size_t i = 0; i < c["steps"].size(); ++i) {
          norm.train(i < 3);
          check_step(norm, c["steps"][i], nonlinearities.at(c["f"]), dtype, tolerance, own);
        }
      }
}

TEST_CASE("a replayed plan moves the running statistics and counts, as the step's code does") {
  Step eager, planned;
  Plan plan;
  plan.trace([&] { planned(); });
  CHECK(planned.norm.running.batches.item() == 0);
  for (int i = 0; i < 3; ++i) {
    eager();
    plan.replay();
  }
  CHECK(planned.norm.running.batches.item() == 3);
  for (const auto& [a, b] : {std::pair{eager.norm.running.mean, planned.norm.running.mean},
                             {eager.norm.running.var, planned.norm.running.var},
                             {eager.y, planned.y}})
    CHECK(a.to_vector<float>() == b.to_vector<float>());
}

TEST_CASE("BatchNorm2d prints and names its tensors as PyTorch does") {
  BatchNorm2d norm(64);
  CHECK(norm.print() ==
        "BatchNorm2d(64, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)");
  std::string names;
  for (const NamedTensor& t : norm.state_dict()) names += t.name + concat(t.tensor.shape()) + " ";
  CHECK(names == "weight(64,) bias(64,) running_mean(64,) running_var(64,) num_batches_tracked() ");
}

TEST_CASE("a folded batch norm gives what the convolution and it give") {
  constexpr int64_t filters = 3, taps = 4;
  BatchNorm2d norm(filters, {.eps = 0.5});
  norm.to(DType::f64).eval();
  norm.weight = Tensor::from<double>({2, -1, 0.5}, {filters});
  norm.bias = Tensor::from<double>({1, 0, -3}, {filters});
  norm.running.mean = Tensor::from<double>({0.25, -2, 1}, {filters});
  norm.running.var = Tensor::from<double>({0.5, 1.75, 3.5}, {filters});
  std::vector<double> w(filters * taps), x(2 * taps);
  for (size_t i = 0; i < w.size(); ++i) w[i] = double(i % 5) - 1.5;
  for (size_t i = 0; i < x.size(); ++i) x[i] = double(i % 3) + 0.25;
  const Tensor weight = Tensor::from(w, {filters, 1, 1, taps}),
               bias = Tensor::from<double>({1, 2, 3}, {filters});
  const auto product = [&](const Tensor& w, const Tensor& b) {
    std::vector<double> y;
    for (int64_t r = 0; r < 2; ++r)
      for (int64_t o = 0; o < filters; ++o) {
        double sum = b ? b.data<double>()[o] : 0;
        for (int64_t i = 0; i < taps; ++i)
          sum += w.data<double>()[o * taps + i] * x[size_t(r * taps + i)];
        y.push_back(sum);
      }
    return Tensor::from(y, {2, filters});
  };
  for (const Tensor& b : {bias, Tensor()}) {
    const ConstantWeights folded = fold_batch_norm(weight, b, norm);
    CHECK(folded.weight.shape() == weight.shape());
    CHECK(tests::error(product(folded.weight, folded.bias), norm(product(weight, b))) <= 1e-14);
  }
}
