// Matrix products with all transposes, batches and epilogues, and Linear.
#include "kernels/matmul.h"

#include <cmath>

#include "layers/linear.h"
#include "layers/matmul.h"
#include "tests/op_cases/op_case.h"

namespace lathe::tests {
namespace {

/// A product of the op (batch 0: of matrices).
OpCase matmul_case(int64_t batch, int64_t m, int64_t n, int64_t k, bool ta, bool tb) {
  const auto shape = [&](int64_t rows, int64_t columns, bool transposed) {
    const Shape matrix = transposed ? Shape{columns, rows} : Shape{rows, columns};
    return batch ? Shape{batch, matrix[0], matrix[1]} : matrix;
  };
  return {
      .name = concat("matmul/", batch ? concat(batch, "x") : "", m, "x", n, "x", k,
                     ta ? "/a transposed" : "", tb ? "/b transposed" : ""),
      .inputs = {{shape(m, k, ta)}, {shape(k, n, tb)}},
      .call = [=](const auto& in) { return std::vector{matmul(in[0], in[1], {.a = ta, .b = tb})}; },
      .tiny = m * n * k < 40};
}

/// Linear with bias. The range of x and w keeps products within ±1 and the bias away from them, so
/// that ReLU's kink is never near.
OpCase linear_case(const Shape& x, int64_t n, LinearActivation activation) {
  const int64_t k = x.dim(-1);
  const double range = 1 / std::sqrt(double(std::max<int64_t>(k, 1)));
  return {
      .name = concat("linear", x, "x", n, activation == LinearActivation::relu ? "/relu" : ""),
      .inputs = {{.shape = x, .low = -range, .high = range},
                 {.shape = {n, k}, .low = -range, .high = range},
                 {.shape = {n}, .low = -3, .high = 3, .margin = 1.5}},
      .call = [activation](
                  const auto& in) { return std::vector{linear(in[0], in[1], in[2], activation)}; },
      .tiny = x.numel() * n < 40};
}

/// The shapes that only the kernel takes: a batch with a bias, ReLU without one.
OpCase epilogue_case() {
  return {.name = "matmul/epilogues",
          .inputs = {{{3, 17, 7}}, {{3, 7, 9}}, {{9}}},
          .call =
              [](const auto& in) {
                using kernels::Epilogue;
                std::vector<Tensor> results;
                for (Epilogue epilogue : {Epilogue::none, Epilogue::bias, Epilogue::bias_relu})
                  for (const Tensor& bias : {Tensor(), in[2]}) {
                    if (bias && epilogue == Epilogue::none) continue;
                    Tensor c = Tensor::empty({3, 17, 9}, in[0].dtype(), in[0].device());
                    kernels::matmul(c, in[0], in[1], bias, {.epilogue = epilogue});
                    results.push_back(c);
                  }
                return results;
              },
          .differentiable = false};
}

/// A forward alone, as rows take that serve nothing else: b transposed, every epilogue.
OpCase forward_case(int64_t m, int64_t n, int64_t k) {
  return {.name = concat("matmul/forward/", m, "x", n, "x", k),
          .inputs = {{{m, k}}, {{n, k}}, {{n}}},
          .call =
              [](const auto& in) {
                using kernels::Epilogue;
                std::vector<Tensor> results;
                for (Epilogue epilogue : {Epilogue::none, Epilogue::bias, Epilogue::bias_relu}) {
                  const Shape shape{in[0].dim(0), in[1].dim(0)};
                  Tensor c = Tensor::empty(shape, in[0].dtype(), in[0].device());
                  kernels::matmul(c, in[0], in[1], epilogue == Epilogue::none ? Tensor() : in[2],
                                  {.transpose_b = true, .epilogue = epilogue});
                  results.push_back(c);
                }
                return results;
              },
          .differentiable = false};
}

OpCase bench_case(int64_t batch, int64_t n, int64_t k) {
  return {.name = concat("matmul/", batch, "x", n, "x", k),
          .inputs = {{{batch, k}}, {{n, k}}},
          .call = [](const auto& in) { return std::vector{matmul(in[0], in[1], {.b = true})}; },
          .bench = true,
          .flops = 2.0 * double(batch * n * k),
          .elements = double(batch * k + n * k + batch * n)};
}

std::vector<OpCase> matmul_cases() {
  std::vector<OpCase> all;
  for (bool ta : {false, true})
    for (bool tb : {false, true}) {
      for (const auto& s : std::initializer_list<Shape>{
               {1, 1, 1}, {2, 3, 4}, {5, 33, 31}, {72, 72, 40}, {3, 4, 0}, {0, 3, 4}, {4, 0, 3}})
        all.push_back(matmul_case(0, s[0], s[1], s[2], ta, tb));
      all.push_back(matmul_case(1, 2, 3, 5, ta, tb));
      all.push_back(matmul_case(3, 17, 9, 33, ta, tb));
      // Several tiles of K in a batch, in whole vectors: every barrier of the GPU's rungs matters.
      all.push_back(matmul_case(2, 8, 16, 72, ta, tb));
      all.back().tiny = true;
    }
  all.push_back(matmul_case(0, 31, 257, 33, false, true));  // more than one tile on the GPU, and
  all.push_back(matmul_case(0, 257, 1, 65, true, false));
  all.push_back(matmul_case(0, 20, 72, 460, false, false));  // more than one block on the CPU
  all.push_back(matmul_case(0, 516, 4, 32, false, true));
  for (LinearActivation activation : {LinearActivation::none, LinearActivation::relu}) {
    for (int64_t batch : {0, 1, 4, 37}) all.push_back(linear_case({batch, 33}, 31, activation));
    all.push_back(linear_case({7}, 5, activation));
    all.push_back(linear_case({2, 3, 4}, 1, activation));
    all.push_back(linear_case({4, 257}, 128, activation));
  }
  all.push_back(epilogue_case());
  // Tiles of dot products up to 15 rows, of transposed samples beyond, with remainders of both.
  for (int64_t m : {1, 2, 3, 4, 7, 16, 17, 31, 32, 65, 100}) {
    all.push_back(forward_case(m, 5, 33));
    all.push_back(forward_case(m, 31, 257));
  }
  // As many multiplications as oneDNN's row for f32 needs.
  all.push_back(matmul_case(0, 512, 1024, 512, false, false));
  all.back().large = true;
  all.back().differentiable = false;
  for (int64_t batch : {1, 4, 32, 128}) all.push_back(bench_case(batch, 1088, 2176));
  for (int64_t size : {512, 1024}) all.push_back(bench_case(size, size, size));
  return all;
}

std::vector<ErrorCase> matmul_errors() {
  const Tensor a = Tensor::zeros({2, 3}), b = Tensor::zeros({4, 5});
  return {
      {"matmul/inner extents", [=] { matmul(a, b); }, "matmul: (2, 3) does not fit (4, 5)"},
      {"matmul/transposed", [=] { matmul(a, b, {.b = true}); },
       "matmul: (2, 3) does not fit (4, 5) transposed"},
      {"matmul/ranks", [=] { matmul(a, Tensor::zeros({3})); },
       "matmul: expects two matrices or two batches of matrices, got (2, 3) and (3,)"},
      {"matmul/types",
       [=] {
         matmul(a, Tensor::zeros({3, 5}, DType::f64));
       },
       "matmul: expects one type, got c f32, a f32 and b f64"},
      {"linear/features", [=] { linear(a, b, {}); },
       "linear: the weight (4, 5) expects 5 features in the last dimension, got x (2, 3)"},
      {"linear/bias",
       [=] {
         linear(Tensor::zeros({2, 5}), b, Tensor::zeros({5}));
       },
       "linear: expects a bias (4,), got (5,)"},
      {"linear/types",
       [=] {
         linear(Tensor::zeros({2, 5}, DType::f64), b, {});
       },
       "linear: x is f64, but the weight f32"},
      {"Linear/no features", [] { Linear(0, 3); },
       "Linear: expects at least one feature in and out, got 0 and 3"},
  };
}

const Registered registered{matmul_cases, matmul_errors};

}  // namespace
}  // namespace lathe::tests
