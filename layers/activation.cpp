#include "layers/activation.h"

#include <charconv>

#include "layers/unary.h"

namespace lathe {
namespace {

/// A number as Python prints it: the shortest text that reads back the same, with a point.
std::string python_float(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  std::string shortest(text, end);
  if (shortest.find_first_of(".en") == std::string::npos) shortest += ".0";
  return shortest;
}

}  // namespace

Tensor relu(const Tensor& x) { return unary(x, kernels::Relu{}); }
Tensor relu6(const Tensor& x) { return unary(x, kernels::Relu6{}); }
Tensor leaky_relu(const Tensor& x, double negative_slope) {
  return unary(x, kernels::LeakyRelu{negative_slope});
}
Tensor sigmoid(const Tensor& x) { return unary(x, kernels::Sigmoid{}); }
Tensor tanh(const Tensor& x) { return unary(x, kernels::Tanh{}); }
Tensor silu(const Tensor& x) { return unary(x, kernels::Silu{}); }
Tensor hardsigmoid(const Tensor& x) { return unary(x, kernels::Hardsigmoid{}); }
Tensor hardswish(const Tensor& x) { return unary(x, kernels::Hardswish{}); }
Tensor gelu(const Tensor& x, GeluForm form) {
  return form == GeluForm::exact ? unary(x, kernels::Gelu{}) : unary(x, kernels::GeluTanh{});
}

std::string LeakyReLU::details() const { return "negative_slope=" + python_float(negative_slope_); }

}  // namespace lathe
