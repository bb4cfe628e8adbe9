// Flatten.
#include "layers/flatten.h"
#include "tests/op_cases/op_case.h"

namespace lathe::tests {
namespace {

std::vector<OpCase> shape_cases() {
  return {
      {.name = "flatten/5x3x4",
       .inputs = {{{5, 3, 4}}},
       .call = [](const auto& in) { return std::vector{flatten(in[0], 1)}; }},
      {.name = "flatten/empty",
       .inputs = {{{0, 3, 4}}},
       .call = [](const auto& in) { return std::vector{flatten(in[0], -2)}; }},
      {.name = "flatten/scalar",
       .inputs = {{Shape{}}},
       .call = [](const auto& in) { return std::vector{flatten(in[0])}; }},
  };
}

std::vector<ErrorCase> shape_errors() {
  return {
      {"flatten/dimensions",
       [] {
         flatten(Tensor::zeros({2, 3}), 2);
       },
       "flatten: dimensions 2 to -1 expect a tensor that has them, got shape (2, 3)"},
  };
}

const Registered registered{shape_cases, shape_errors};

}  // namespace
}  // namespace lathe::tests
