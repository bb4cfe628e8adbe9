// Sums, means, largest elements and their places.
#include "kernels/reduce.h"

#include <cmath>

#include "layers/flatten.h"
#include "layers/reduce.h"
#include "tests/op_cases/op_case.h"

namespace lathe::tests {
namespace {

using Reduction = Tensor (*)(const Tensor&, Over);

std::vector<OpCase> reduce_cases() {
  std::vector<OpCase> all;
  const auto add = [&](const char* name, Reduction op, const Shape& shape, Over over,
                       bool differentiable = true) {
    const char* const names[] = {"all", "first", "last"};
    all.push_back({.name = concat(name, shape, "/", names[int(over)]),
                   .inputs = {{.shape = shape, .low = -1, .high = 2}},  // sums do not cancel
                   .call = [=](const auto& in) { return std::vector{op(in[0], over)}; },
                   .differentiable = differentiable,
                   .tiny = shape.numel() < 100});
  };
  for (const Shape& shape : {Shape{1}, Shape{33}, Shape{5, 7}, Shape{31, 33}, Shape{257, 4},
                             Shape{4, 1088}, Shape{3, 2, 5}, Shape{5, 0}}) {
    for (Over over : {Over::all, Over::first, Over::last}) {
      add("sum", sum, shape, over);
      add("mean", mean, shape, over);
      if (over == Over::first || shape.numel() == 0) continue;
      // Of many numbers two are nearly the largest, and a difference quotient steps over the kink.
      add("max", max, shape, over, shape.numel() < 100);
      add("argmax", argmax, shape, over, false);
    }
  }
  add("sum", sum, Shape{}, Over::all);
  add("sum", sum, {0, 5}, Over::first);
  add("max", max, {0, 5}, Over::last);
  add("sum", sum, {2, 20000}, Over::last);  // long rows are cut into parts
  add("sum", sum, {50001}, Over::all);
  add("sum", sum, {9001, 33}, Over::first);  // and so are many rows
  all.push_back({.name = "place_columns",
                 .inputs = {{{33}}, {.shape = {33}, .classes = 257}},
                 .call =
                     [](const auto& in) {
                       Tensor x = Tensor::empty({33, 257}, in[0].dtype(), in[0].device());
                       kernels::place_columns(x, in[0], in[1]);
                       return std::vector{x};
                     },
                 .differentiable = false});
  all.push_back({.name = "reshape",
                 .inputs = {{{4, 6}}},
                 .call =
                     [](const auto& in) {
                       return std::vector{reshape(in[0], {3, 8})};
                     },
                 .tiny = true});
  for (const Shape& shape : {Shape{4096, 4096}, Shape{16777216}})
    all.push_back({.name = concat("sum", shape),
                   .inputs = {{shape}},
                   .call = [](const auto& in) { return std::vector{sum(in[0], Over::last)}; },
                   .bench = true,
                   .flops = double(shape.numel()),
                   .elements = double(shape.numel())});
  all.push_back({.name = "sum_rows(4096, 4096)",
                 .inputs = {{{4096, 4096}}},
                 .call = [](const auto& in) { return std::vector{sum(in[0], Over::first)}; },
                 .bench = true,
                 .flops = 4096.0 * 4096,
                 .elements = 4096.0 * 4096});
  return all;
}

std::vector<ErrorCase> reduce_errors() {
  return {
      {"max/first",
       [] {
         max(Tensor::zeros({2, 3}), Over::first);
       },
       "max: goes over the last dimension or all, not the first"},
      {"max/nothing",
       [] {
         max(Tensor::zeros({2, 0}), Over::last);
       },
       "max: expects at least one element, got shape (2, 0)"},
      {"mean/no dimension", [] { mean(Tensor::zeros({}), Over::last); },
       "mean: expects at least one dimension, got shape ()"},
      {"reshape/elements",
       [] {
         reshape(Tensor::zeros({2, 3}), {4});
       },
       "reshape: (2, 3) has 6 elements, (4,) has 4"},
  };
}

const Registered registered{reduce_cases, reduce_errors};

}  // namespace
}  // namespace lathe::tests
