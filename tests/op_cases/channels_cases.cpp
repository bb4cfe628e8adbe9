// Channels joined, cut out, scaled and moved; images flattened; branches dropped.
#include "layers/channels.h"

#include "layers/drop_path.h"
#include "layers/flatten.h"
#include "tests/op_cases/op_case.h"

namespace lathe::tests {
namespace {

OpCase concat_case(const Shape& rows, const std::vector<int64_t>& channels) {
  OpCase op_case;
  op_case.call = [](const auto& in) { return std::vector{concat_channels(in)}; };
  op_case.name = concat("concat_channels", rows);
  op_case.tiny = true;
  for (int64_t c : channels) {
    op_case.inputs.push_back({.shape = rows.with(-1, c)});
    op_case.name += concat("/", c);
    op_case.tiny = op_case.tiny && op_case.inputs.back().shape.numel() < 100;
    op_case.elements += 2 * double(op_case.inputs.back().shape.numel());
  }
  return op_case;
}

OpCase slice_case(const Shape& shape, int64_t begin, int64_t end) {
  return {.name = concat("slice_channels", shape, "/", begin, "-", end),
          .inputs = {{shape}},
          .call = [=](const auto& in) { return std::vector{slice_channels(in[0], begin, end)}; },
          .tiny = shape.numel() < 100};
}

OpCase scale_case(const Shape& shape) {
  return {.name = concat("scale_channels", shape),
          .inputs = {{.shape = shape, .low = -1, .high = 2},
                     {.shape = {shape.dim(0), shape.dim(3)}, .low = 0.1, .high = 1}},
          .call = [](const auto& in) { return std::vector{scale_channels(in[0], in[1])}; },
          .tiny = shape.numel() < 100,
          .elements = 2 * double(shape.numel())};
}

OpCase swap_case(const char* name, Tensor (*op)(const Tensor&), const Shape& shape) {
  return {.name = concat(name, shape),
          .inputs = {{shape}},
          .call = [=](const auto& in) { return std::vector{op(in[0])}; },
          .tiny = shape.numel() < 100,
          .elements = 2 * double(shape.numel())};
}

/// Some samples keep their branch and some do not.
OpCase drop_path_case(const Shape& shape, double p, bool shortcut) {
  OpCase op_case{.name = concat("drop_path", shape, "/", p, shortcut ? "/shortcut" : ""),
                 .inputs = {{shape}},
                 .call =
                     [=](const auto& in) {
                       return std::vector{drop_path(in[0], p, 3, shortcut ? in[1] : Tensor())};
                     },
                 .tiny = shape.numel() < 100,
                 .elements = (shortcut ? 3 : 2) * double(shape.numel())};
  if (shortcut) op_case.inputs.push_back({.shape = shape});
  return op_case;
}

OpCase bench(OpCase op_case) {
  op_case.bench = true;
  return op_case;
}

std::vector<OpCase> channels_cases() {
  std::vector<OpCase> all = {
      concat_case({2, 3, 1}, {2, 5, 1}),
      concat_case({4, 5, 7, 1}, {33, 64, 0, 31}),
      concat_case({257, 1}, {16, 8}),
      concat_case({0, 3, 1}, {4, 4}),
      concat_case({1}, {3}),
      slice_case({3, 4, 5}, 1, 4),
      slice_case({31, 33}, 8, 24),
      slice_case({7}, 0, 0),
      slice_case({0, 7}, 2, 7),
  };
  for (const Shape& shape : {Shape{2, 3, 2, 4}, Shape{3, 7, 5, 33}, Shape{1, 31, 33, 64},
                             Shape{2, 65, 64, 20}, Shape{2, 1, 1, 257}, Shape{0, 2, 2, 3}})
    all.push_back(scale_case(shape));
  for (const Shape& shape : {Shape{2, 3, 4, 5}, Shape{2, 33, 7, 5}, Shape{1, 64, 16, 32},
                             Shape{3, 1, 31, 257}, Shape{0, 3, 2, 2}}) {
    all.push_back(swap_case("to_channels_last", to_channels_last, shape));
    all.push_back(swap_case("to_channels_first", to_channels_first, shape));
  }
  for (const Shape& shape : {Shape{3, 2, 3, 2}, Shape{2, 4, 4, 1}, Shape{2, 1, 1, 5}})
    all.push_back(swap_case(
        "flatten", [](const Tensor& x) { return flatten(x, 1); }, shape));
  for (bool shortcut : {false, true})
    for (const Shape& shape :
         {Shape{6}, Shape{8, 3, 2}, Shape{31, 7, 33}, Shape{5, 64, 64, 4}, Shape{0, 3}})
      for (double p : {0.0, 0.4, 1.0}) all.push_back(drop_path_case(shape, p, shortcut));
  all.push_back(bench(concat_case({16, 35, 35, 1}, {64, 64, 96, 64})));
  all.push_back(bench(scale_case({16, 28, 28, 256})));
  all.push_back(bench(swap_case("to_channels_last", to_channels_last, {16, 256, 28, 28})));
  all.push_back(bench(swap_case("to_channels_last", to_channels_last, {32, 3, 224, 224})));
  all.push_back(bench(drop_path_case({64, 14, 14, 256}, 0.2, true)));
  return all;
}

std::vector<ErrorCase> channels_errors() {
  return {
      {"concat_channels/none", [] { concat_channels({}); },
       "concat_channels: expects tensors of at least one dimension"},
      {"concat_channels/shapes",
       [] {
         concat_channels({Tensor::zeros({2, 3}), Tensor::zeros({3, 3})});
       },
       "concat_channels: expects equal shapes but for the last dimension, got (2, 3) and (3, 3)"},
      {"concat_channels/types",
       [] {
         concat_channels({Tensor::zeros({2, 3}), Tensor::zeros({2, 3}, DType::f64)});
       },
       "concat_channels: expects one type, got f32 and f64"},
      {"slice_channels/range",
       [] {
         slice_channels(Tensor::zeros({2, 3}), 1, 4);
       },
       "slice_channels: channels 1 to 4 expect a tensor that has them, got shape (2, 3)"},
      {"scale_channels/factors",
       [] {
         scale_channels(Tensor::zeros({2, 3, 3, 4}), Tensor::zeros({2, 3}));
       },
       "scale_channels: the image (2, 3, 3, 4) expects factors (2, 4), got (2, 3)"},
      {"to_channels_last/rank",
       [] {
         to_channels_last(Tensor::zeros({2, 3, 3}));
       },
       "to_channels_last: expects (N, C, H, W), got (2, 3, 3)"},
      {"drop_path/probability", [] { drop_path(Tensor::zeros({2}), 1.5, 0); },
       "drop_path: expects a probability from 0 to 1, got 1.5"},
      {"drop_path/shortcut", [] { drop_path(Tensor::zeros({2}), 0.5, 0, Tensor::zeros({3})); },
       "drop_path: expects a shortcut of the branch's shape and type, got (3,) for (2,)"},
  };
}

const Registered registered{channels_cases, channels_errors};

}  // namespace
}  // namespace lathe::tests
