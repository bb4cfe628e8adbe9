// Losses, with all their options.
#include "layers/loss.h"

#include "tensor/plan.h"
#include "tests/op_cases/op_case.h"

namespace lathe::tests {
namespace {

OpCase bce_case(const Shape& shape, bool integers, double pos_weight) {
  Input targets = {.shape = shape, .low = 0, .gradient = false};
  if (integers) targets.classes = 2;
  return {.name = concat("bce_with_logits", shape, integers ? "/i64" : "", "/", pos_weight),
          .inputs = {{.shape = shape, .low = -6, .high = 6}, targets},
          .call =
              [pos_weight](const auto& in) {
                return std::vector{bce_with_logits(in[0], in[1], pos_weight)};
              },
          .tiny = shape.numel() < 100};
}

/// Class weights in the type of the loss, converted behind the recorder's back: the case is not
/// about `cast`.
Tensor in_type_of_loss(const Tensor& weights, DType logits) {
  const OutsidePlan outside;
  return weights.detach().to(logits == DType::f64 ? DType::f64 : DType::f32);
}

OpCase cross_entropy_case(int64_t n, int64_t classes, double smoothing, bool weighted) {
  OpCase op_case = {.name = concat("cross_entropy/", n, "x", classes, "/", smoothing,
                                   weighted ? "/weighted" : ""),
                    .inputs = {{.shape = {n, classes}, .low = -5, .high = 5},
                               {.shape = {n}, .classes = classes},
                               {.shape = {classes}, .low = 0.2, .gradient = false}},
                    .call = {},
                    .tiny = n * classes < 100};
  op_case.call = [=](const std::vector<Tensor>& in) {
    return std::vector{cross_entropy(
        in[0], in[1],
        {.label_smoothing = smoothing,
         .class_weights = weighted ? in_type_of_loss(in[2], in[0].dtype()) : Tensor()})};
  };
  return op_case;
}

std::vector<OpCase> loss_cases() {
  std::vector<OpCase> all;
  for (const Shape& shape : {Shape{1}, Shape{4}, Shape{33, 31}, Shape{20000}, Shape{0}})
    for (bool integers : {false, true})
      for (double pos_weight : {1.0, 3.5}) all.push_back(bce_case(shape, integers, pos_weight));
  for (const auto& s : std::initializer_list<Shape>{
           {1, 1}, {4, 10}, {33, 2}, {31, 257}, {9, 64}, {0, 3}, {700, 33}})
    for (double smoothing : {0.0, 0.1})
      for (bool weighted : {false, true})
        all.push_back(cross_entropy_case(s[0], s[1], smoothing, weighted));
  for (const Shape& shape : {Shape{}, Shape{7}, Shape{33, 31}, Shape{20000}, Shape{0, 4}})
    all.push_back({.name = concat("mse", shape),
                   .inputs = {{shape}, {shape}},
                   .call = [](const auto& in) { return std::vector{mse(in[0], in[1])}; },
                   .tiny = shape.numel() < 100});
  OpCase bench = cross_entropy_case(256, 1000, 0.1, false);
  bench.bench = true;
  bench.flops = bench.elements = 2.0 * 256 * 1000;
  all.push_back(bench);
  return all;
}

std::vector<ErrorCase> loss_errors() {
  const Tensor logits = Tensor::zeros({2, 3});
  const auto labels = [](std::vector<int64_t> values) {
    return Tensor::from(values, {int64_t(values.size())});
  };
  return {
      {"bce_with_logits/count", [=] { bce_with_logits(logits, Tensor::zeros({2})); },
       "bce_with_logits: expects a target for each of 6 logits (2, 3), got (2,)"},
      {"bce_with_logits/type", [=] { bce_with_logits(logits, Tensor::zeros({6}, DType::f64)); },
       "bce_with_logits: expects targets in f32 or i64, got f64"},
      {"cross_entropy/rank", [=] { cross_entropy(Tensor::zeros({3}), labels({0})); },
       "cross_entropy: expects logits (N, C), got (3,)"},
      {"cross_entropy/labels", [=] { cross_entropy(logits, labels({0})); },
       "cross_entropy: expects 2 labels in i64 for logits (2, 3), got (1,) i64"},
      {"cross_entropy/label type", [=] { cross_entropy(logits, Tensor::zeros({2})); },
       "cross_entropy: expects 2 labels in i64 for logits (2, 3), got (2,) f32"},
      {"cross_entropy/label range",
       [=] {
         cross_entropy(logits, labels({2, 3}));
       },
       "cross_entropy: expects labels from 0 to 2, but the label at index 1 is 3"},
      {"cross_entropy/smoothing",
       [=] {
         cross_entropy(logits, labels({0, 1}), {.label_smoothing = 2});
       },
       "cross_entropy: expects label smoothing from 0 to 1, got 2"},
      {"cross_entropy/weights",
       [=] {
         cross_entropy(logits, labels({0, 1}), {.class_weights = Tensor::zeros({2})});
       },
       "cross_entropy: expects 3 class weights in f32, got (2,) f32"},
      {"mse/shapes", [=] { mse(logits, Tensor::zeros({6})); },
       "mse: expects equal shapes and types, got (2, 3) f32 and (6,) f32"},
  };
}

const Registered registered{loss_cases, loss_errors};

}  // namespace
}  // namespace lathe::tests
