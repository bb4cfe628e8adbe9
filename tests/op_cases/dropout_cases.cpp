// Dropout with a mask that stays: the step does not change within a case.
#include "layers/dropout.h"
#include "tests/op_cases/op_case.h"

namespace lathe::tests {
namespace {

OpCase dropout_case(const Shape& shape, double p) {
  return {.name = concat("dropout", shape, "/", p),
          .inputs = {{.shape = shape}},
          .call = [p](const auto& in) { return std::vector{dropout(in[0], p, 3)}; },
          .tiny = shape.numel() < 100};
}

std::vector<OpCase> dropout_cases() {
  std::vector<OpCase> all;
  for (const Shape& shape : {Shape{}, Shape{4}, Shape{31, 33}, Shape{0}, Shape{9001}})
    for (double p : {0.0, 0.3, 1.0}) all.push_back(dropout_case(shape, p));
  OpCase bench = dropout_case({4096, 4096}, 0.1);
  bench.bench = true;
  bench.flops = double(4096 * 4096);
  bench.elements = 2 * bench.flops;
  all.push_back(bench);
  return all;
}

std::vector<ErrorCase> dropout_errors() {
  return {{"dropout/probability", [] { dropout(Tensor::zeros({2}), 1.5, 0); },
           "dropout: expects a probability from 0 to 1, got 1.5"},
          {"Dropout/probability", [] { Dropout(-0.1); },
           "Dropout: expects a probability from 0 to 1, got -0.1"}};
}

const Registered registered{dropout_cases, dropout_errors};

}  // namespace
}  // namespace lathe::tests
