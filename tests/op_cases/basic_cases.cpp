// fill, copy, cast and accumulate: what the tensor itself is made with.
#include "tensor/basic_kernels.h"
#include "tests/op_cases/op_case.h"

namespace lathe::tests {
namespace {

std::vector<OpCase> basic_cases() {
  std::vector<OpCase> all;
  for (const Shape& shape : {Shape{}, Shape{0}, Shape{1}, Shape{31, 33}, Shape{257, 4}}) {
    const bool tiny = shape.numel() < 100;
    all.push_back({.name = concat("fill", shape),
                   .inputs = {{shape}},
                   .call =
                       [](const auto& in) {
                         Tensor y = empty_like(in[0]);
                         kernels::fill(y, 0.375);
                         return std::vector{y};
                       },
                   .differentiable = false,
                   .tiny = tiny});
    all.push_back({.name = concat("copy", shape),
                   .inputs = {{shape}},
                   .call =
                       [](const auto& in) {
                         Tensor y = empty_like(in[0]);
                         kernels::copy(y, in[0]);
                         return std::vector{y};
                       },
                   .differentiable = false,
                   .tiny = tiny});
    all.push_back({.name = concat("accumulate", shape),
                   .inputs = {{shape}, {shape}},
                   .call =
                       [](const auto& in) {
                         Tensor sum = empty_like(in[0]), a = in[0].clone();
                         kernels::accumulate(sum, in[0], in[1]);
                         kernels::accumulate(a, a, in[1]);
                         return std::vector{sum, a};
                       },
                   .differentiable = false,
                   .tiny = tiny});
    // Truncation to integers jumps, so it starts from values that every type holds exactly.
    all.push_back(
        {.name = concat("cast", shape),
         .inputs = {{.shape = shape, .classes = 100}, {.shape = shape, .low = -8, .high = 8}},
         .call =
             [](const auto& in) {
               std::vector<Tensor> results;
               for (DType dtype : {DType::f32, DType::f64, DType::i64, DType::i32, DType::u8,
                                   DType::bf16, DType::f16}) {
                 Tensor y = Tensor::empty(in[0].shape(), dtype, in[0].device());
                 kernels::cast(y, in[0]);
                 results.push_back(y);
                 if (!is_floating(dtype)) continue;
                 Tensor z = Tensor::empty(in[1].shape(), dtype, in[1].device());
                 kernels::cast(z, in[1]);
                 results.push_back(z);
               }
               return results;
             },
         .differentiable = false,
         .tiny = tiny});
  }
  constexpr int64_t large = 16 << 20;
  auto bench = [&](const char* name, Call call, double elements) {
    all.push_back({.name = concat(name, "/", large),
                   .inputs = {{{large}}, {{large}}},
                   .call = std::move(call),
                   .differentiable = false,
                   .bench = true,
                   .elements = elements * double(large)});
  };
  auto into_first = [](auto kernel) {
    return [kernel](const std::vector<Tensor>& in) {
      Tensor y = in[0];
      kernel(y, in[1]);
      return std::vector{y};
    };
  };
  bench("fill", into_first([](Tensor& y, const Tensor&) { kernels::fill(y, 0.375); }), 1);
  bench("copy", into_first([](Tensor& y, const Tensor& x) { kernels::copy(y, x); }), 2);
  bench("accumulate", into_first([](Tensor& y, const Tensor& x) { kernels::accumulate(y, y, x); }),
        3);
  return all;
}

const Registered registered{basic_cases};

}  // namespace
}  // namespace lathe::tests
