// Driver: gradients of the reference rows in f64 against central differences of fourth order,
//   f'(x) ~ (f(x - 2h) - 8 f(x - h) + 8 f(x + h) - f(x + 2h)) / 12 h.
// Small cases compare the whole Jacobian; larger ones one random direction, as JAX's check_grads
// does.
#include <cmath>

#include "layers/arithmetic.h"
#include "tests/op_cases/run_case.h"
#include "tests/support.h"

using namespace lathe;
using namespace lathe::tests;

namespace {

constexpr double step = 1e-3, bound = 1e-6;
constexpr int64_t full_jacobian = 64;

std::vector<double> first_output(const OpCase& op_case, const std::vector<Tensor>& inputs) {
  return op_case.call(convert(inputs, DType::f64, Device::cpu)).at(0).to_vector<double>();
}

/// d y / d t of y(inputs + t direction) at 0; absent directions are zero.
std::vector<double> difference(const OpCase& op_case, const std::vector<Tensor>& inputs,
                               const std::vector<Tensor>& direction) {
  std::vector<double> sum;
  for (const auto& [at, weight] : {std::pair{-2, 1.0}, {-1, -8.0}, {1, 8.0}, {2, -1.0}}) {
    std::vector<Tensor> moved = convert(inputs, DType::f64, Device::cpu);
    for (size_t i = 0; i < moved.size(); ++i)
      if (direction[i])
        for (int64_t j = 0; j < moved[i].numel(); ++j)
          moved[i].data<double>()[j] += at * step * direction[i].data<double>()[j];
    const std::vector<double> y = first_output(op_case, moved);
    sum.resize(y.size());
    for (size_t j = 0; j < y.size(); ++j) sum[j] += weight * y[j] / (12 * step);
  }
  return sum;
}

/// The gradient of each input for a given gradient of the first output.
std::vector<Tensor> backward(const OpCase& op_case, const std::vector<Tensor>& inputs,
                             const std::vector<bool>& wanted, const Tensor& dy) {
  std::vector<Tensor> leaves = convert(inputs, DType::f64, Device::cpu);
  for (size_t i = 0; i < leaves.size(); ++i) leaves[i].requires_grad_(wanted[i]);
  Tape tape;
  const Tensor y = op_case.call(leaves).at(0);
  tape.backward(y, dy);
  for (size_t i = 0; i < leaves.size(); ++i) leaves[i] = wanted[i] ? leaves[i].grad() : Tensor();
  return leaves;
}

/// Largest difference between the Jacobians over the largest entry, column by column of the inputs'
/// elements.
double jacobian_error(const OpCase& op_case, const std::vector<Tensor>& inputs,
                      const std::vector<bool>& wanted, const Tensor& y) {
  std::vector<std::vector<Tensor>> rows;  // rows[k][i]: d y[k] / d input i
  for (int64_t k = 0; k < y.numel(); ++k) {
    Tensor dy = zeros_like(y);
    dy.data<double>()[k] = 1;
    rows.push_back(backward(op_case, inputs, wanted, dy));
  }
  double worst = 0, largest = 0;
  for (size_t i = 0; i < inputs.size(); ++i)
    for (int64_t j = 0; wanted[i] && j < inputs[i].numel(); ++j) {
      std::vector<Tensor> direction(inputs.size());
      direction[i] = zeros_like(inputs[i]);
      direction[i].data<double>()[j] = 1;
      const std::vector<double> column = difference(op_case, inputs, direction);
      for (size_t k = 0; k < column.size(); ++k) {
        const double gap = std::abs(rows[k][i].data<double>()[j] - column[k]);
        worst = std::isnan(gap) ? HUGE_VAL : std::max(worst, gap);
        largest = std::max(largest, std::abs(column[k]));
      }
    }
  return worst / (largest > 0 ? largest : 1);
}

/// The difference between <gradients, direction> and <dy, derivative along direction>, over the sum
/// of |terms|.
double direction_error(const OpCase& op_case, const std::vector<Tensor>& inputs,
                       const std::vector<bool>& wanted, const Tensor& y) {
  const Tensor dy = random_like(y, 1);
  std::vector<Tensor> direction(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i)
    if (wanted[i]) direction[i] = random_like(inputs[i], uint32_t(2 + i));
  double ours = 0, theirs = 0, terms = 0;
  const std::vector<Tensor> gradients = backward(op_case, inputs, wanted, dy);
  for (size_t i = 0; i < inputs.size(); ++i)
    for (int64_t j = 0; wanted[i] && j < inputs[i].numel(); ++j) {
      const double term = gradients[i].data<double>()[j] * direction[i].data<double>()[j];
      ours += term;
      terms += std::abs(term);
    }
  const std::vector<double> along = difference(op_case, inputs, direction);
  for (size_t k = 0; k < along.size(); ++k) theirs += dy.data<double>()[k] * along[k];
  const double gap = std::abs(ours - theirs);
  return std::isnan(gap) ? HUGE_VAL : gap / (terms > 0 ? terms : 1);
}

}  // namespace

// The logarithm's differences reach below 0, where it is NaN.
TEST_CASE("op cases: a NaN is never near a gradient") {
  const OpCase op_case = {.name = "log near 0",
                          .inputs = {{.shape = {2}, .low = 1e-9, .high = 1e-9}},
                          .call = [](const auto& in) { return std::vector{log(in[0])}; }};
  const std::vector<Tensor> inputs = make_inputs(op_case);
  CHECK(jacobian_error(op_case, inputs, {true}, inputs[0]) == HUGE_VAL);
  CHECK(direction_error(op_case, inputs, {true}, inputs[0]) == HUGE_VAL);
}

TEST_CASE("op cases: gradients equal central differences") {
  const ForceVariant reference("*=reference");
  int checked = 0;
  for (const OpCase& op_case : op_cases()) {
    if (!op_case.differentiable) continue;
    CAPTURE(op_case.name);
    const std::vector<Tensor> inputs = make_inputs(op_case);
    std::vector<bool> wanted;
    int64_t elements = 0;
    for (size_t i = 0; i < inputs.size(); ++i) {
      wanted.push_back(op_case.inputs[i].gradient && is_floating(inputs[i].dtype()));
      if (wanted[i]) elements += inputs[i].numel();
    }
    const Tensor y = op_case.call(convert(inputs, DType::f64, Device::cpu)).at(0);
    const bool small = elements <= full_jacobian && y.numel() <= full_jacobian;
    CHECK((small ? jacobian_error : direction_error)(op_case, inputs, wanted, y) <= bound);
    ++checked;
  }
  MESSAGE("gradients: " << checked << " cases");
}
