// Softmax and its logarithm over the last dimension.
#include "layers/softmax.h"

#include <cmath>

#include "tests/op_cases/op_case.h"

namespace lathe::tests {
namespace {

OpCase softmax_case(const char* name, Tensor (*op)(const Tensor&), const Shape& shape,
                    double largest = 5) {
  return {.name = concat(name, shape, largest > 5 ? "/large" : ""),
          .inputs = {{.shape = shape, .low = -largest, .high = largest}},
          .call = [op](const auto& in) { return std::vector{op(in[0])}; },
          // Of one column: the constant 1, whose difference quotient is noise.
          .differentiable = shape.dim(-1) != 1,
          .tiny = shape.numel() < 100};
}

std::vector<OpCase> softmax_cases() {
  std::vector<OpCase> all;
  for (const auto& [name, op] : {std::pair{"softmax", &softmax}, {"log_softmax", &log_softmax}}) {
    for (const Shape& shape :
         {Shape{1}, Shape{33}, Shape{5, 1}, Shape{4, 8}, Shape{31, 33}, Shape{3, 2, 16},
          Shape{2, 1088}, Shape{3, 1031}, Shape{0, 3}, Shape{3, 0}})
      all.push_back(softmax_case(name, op, shape));
    // Where exp without the largest element taken off would overflow.
    OpCase large = softmax_case(name, op, {7, 40}, 300);
    large.differentiable = false;  // steps of 1e-3 are lost beside logits of 300
    all.push_back(large);
    for (const Shape& shape : {Shape{4096, 128}, Shape{256, 32768}}) {
      OpCase bench = softmax_case(name, op, shape);
      bench.bench = true;
      bench.flops = 5 * double(shape.numel());
      bench.elements = 2 * double(shape.numel());
      all.push_back(bench);
    }
  }
  return all;
}

std::vector<ErrorCase> softmax_errors() {
  return {{"softmax/no dimension", [] { softmax(Tensor::zeros({})); },
           "softmax: expects at least one dimension, got shape ()"},
          {"log_softmax/no dimension", [] { log_softmax(Tensor::zeros({})); },
           "log_softmax: expects at least one dimension, got shape ()"}};
}

const Registered registered{softmax_cases, softmax_errors};

}  // namespace
}  // namespace lathe::tests
