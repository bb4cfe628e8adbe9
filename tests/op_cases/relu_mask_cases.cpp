// The mask that a ReLU inside a product leaves on its gradient.
#include "kernels/matmul.h"
#include "tests/op_cases/op_case.h"

namespace lathe::tests {
namespace {

std::vector<OpCase> relu_mask_cases() {
  std::vector<OpCase> all;
  for (const Shape& shape : {Shape{1}, Shape{31, 33}, Shape{8, 64}, Shape{0}})
    all.push_back({.name = concat("relu_mask", shape),
                   .inputs = {{.shape = shape}, {.shape = shape}},
                   .call =
                       [](const auto& in) {
                         Tensor dz = empty_like(in[0]);
                         kernels::relu_mask(dz, in[0], in[1]);
                         return std::vector{dz};
                       },
                   .differentiable = false,
                   .tiny = shape.numel() < 100});
  return all;
}

const Registered registered{relu_mask_cases};

}  // namespace
}  // namespace lathe::tests
