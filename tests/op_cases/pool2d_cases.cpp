// Pooling and resizing of images. Values are apart from one another where the largest is taken.
#include "layers/pool2d.h"

#include "layers/resize.h"
#include "tests/op_cases/op_case.h"

namespace lathe::tests {
namespace {

struct WindowCase {
  Shape shape;
  PoolWindow window;
  bool tiny = false;
};

std::string text(const WindowCase& c) {
  return concat(c.shape, "/", c.window.kernel, "s", c.window.stride, "p", c.window.padding,
                c.window.ceil_mode ? "ceil" : "", c.window.count_include_pad ? "" : "inside");
}

const WindowCase windows[] = {
    {{1, 4, 5, 3}, {.kernel = 2}, true},
    {{2, 5, 6, 4}, {.kernel = 3, .stride = 2, .padding = 1}, true},
    {{1, 6, 4, 1},
     {.kernel = {3, 2}, .stride = {2, 1}, .padding = {1, 0}, .ceil_mode = true},
     true},
    {{0, 4, 4, 3}, {.kernel = 2}},
    {{2, 7, 9, 33}, {.kernel = 3, .stride = 1, .padding = 1}},
    {{2, 7, 7, 31}, {.kernel = 3, .stride = 2, .ceil_mode = true}},
    {{1, 9, 8, 257}, {.kernel = {2, 3}, .stride = {3, 4}, .count_include_pad = false}},
    {{2, 8, 5, 16}, {.kernel = 5, .stride = 3, .padding = 2, .ceil_mode = true}},
    {{1, 6, 6, 40},
     {.kernel = 3, .stride = 2, .padding = 1, .ceil_mode = true, .count_include_pad = false}},
    {{1, 20, 19, 5}, {.kernel = 17, .stride = 2}},  // more places than a byte counts
};

OpCase max_case(const WindowCase& c) {
  // Most differences of two values are larger than the steps of a difference quotient.
  return {.name = concat("max_pool2d", text(c)),
          .inputs = {{.shape = c.shape, .low = -5000, .high = 5000}},
          .call = [w = c.window](const auto& in) { return std::vector{max_pool2d(in[0], w)}; },
          .differentiable = true,
          .tiny = c.tiny};
}

OpCase average_case(const WindowCase& c) {
  return {.name = concat("avg_pool2d", text(c)),
          .inputs = {{.shape = c.shape, .low = -1, .high = 2}},
          .call = [w = c.window](const auto& in) { return std::vector{avg_pool2d(in[0], w)}; },
          .tiny = c.tiny};
}

OpCase adaptive_case(const Shape& shape, Size2 size) {
  return {.name = concat("adaptive_avg_pool2d", shape, "/", size),
          .inputs = {{.shape = shape, .low = -1, .high = 2}},
          .call = [=](const auto& in) { return std::vector{adaptive_avg_pool2d(in[0], size)}; },
          .tiny = shape.numel() < 100};
}

OpCase global_case(const Shape& shape) {
  return {.name = concat("global_avg_pool", shape),
          .inputs = {{.shape = shape, .low = -1, .high = 2}},
          .call = [](const auto& in) { return std::vector{global_avg_pool(in[0])}; },
          .tiny = shape.numel() < 100};
}

void add_resizes(std::vector<OpCase>& all, const Shape& shape, Size2 size) {
  const auto add = [&](const char* how, ResizeMode mode, bool align) {
    all.push_back(
        {.name = concat("resize", shape, "/", size, how),
         .inputs = {{shape}},
         .call = [=](const auto& in) { return std::vector{resize(in[0], size, mode, align)}; },
         .tiny = shape.numel() < 100});
  };
  add("/nearest", ResizeMode::nearest, false);
  add("/bilinear", ResizeMode::bilinear, false);
  add("/bilinear aligned", ResizeMode::bilinear, true);
}

OpCase bench(OpCase op_case, int64_t results) {
  op_case.bench = true;
  op_case.elements = double(op_case.inputs[0].shape.numel() + results);
  return op_case;
}

std::vector<OpCase> pool2d_cases() {
  std::vector<OpCase> all;
  for (const WindowCase& c : windows) {
    all.push_back(max_case(c));
    all.push_back(average_case(c));
  }
  for (const auto& [shape, size] : {std::pair{Shape{2, 3, 5, 2}, Size2{2, 3}},
                                    {Shape{1, 7, 9, 33}, Size2{3, 4}},
                                    {Shape{2, 2, 3, 31}, Size2{5, 7}},
                                    {Shape{0, 4, 4, 3}, Size2{2}}})
    all.push_back(adaptive_case(shape, size));
  for (const Shape& shape : {Shape{2, 3, 2, 3}, Shape{3, 7, 7, 257}, Shape{1, 33, 31, 20},
                             Shape{2, 64, 65, 33}, Shape{0, 2, 2, 4}})
    all.push_back(global_case(shape));
  // Forward alone, for rows that decline gradients.
  for (const Shape& shape :
       {Shape{2, 6, 6, 2}, Shape{3, 7, 7, 257}, Shape{1, 33, 31, 20}, Shape{2, 9, 8, 64}}) {
    all.push_back(global_case(shape));
    all.back().name += "/forward";
    all.back().differentiable = false;
    all.back().tiny = shape.numel() < 200;
  }
  add_resizes(all, {1, 3, 4, 2}, {5, 3});
  add_resizes(all, {2, 9, 7, 33}, {4, 15});
  add_resizes(all, {1, 1, 2, 5}, {3, 1});
  add_resizes(all, {1, 31, 33, 4}, {65, 17});
  // The stem of a ResNet, Inception's reductions and averages, the heads, and SE's means.
  all.push_back(bench(max_case({{16, 112, 112, 64}, {.kernel = 3, .stride = 2, .padding = 1}}),
                      16 * 56 * 56 * 64));
  all.push_back(
      bench(max_case({{16, 35, 35, 288}, {.kernel = 3, .stride = 2}}), 16 * 17 * 17 * 288));
  all.push_back(bench(average_case({{16, 35, 35, 256}, {.kernel = 3, .stride = 1, .padding = 1}}),
                      16 * 35 * 35 * 256));
  all.push_back(bench(global_case({16, 7, 7, 2048}), 16 * 2048));
  all.push_back(bench(global_case({16, 56, 56, 96}), 16 * 96));
  return all;
}

std::vector<ErrorCase> pool2d_errors() {
  return {
      {"max_pool2d/rank",
       [] {
         max_pool2d(Tensor::zeros({4, 4, 3}), {.kernel = 2});
       },
       "max_pool2d: expects an image (N, H, W, C), got (4, 4, 3)"},
      {"max_pool2d/kernel",
       [] {
         max_pool2d(Tensor::zeros({1, 4, 4, 3}), {.kernel = 0});
       },
       "max_pool2d: expects a window of at least one element, got 0"},
      {"max_pool2d/stride",
       [] {
         max_pool2d(Tensor::zeros({1, 4, 4, 3}), {.kernel = 2, .stride = {1, -1}});
       },
       "max_pool2d: expects a stride of at least 1 (0: the kernel), got (1, -1)"},
      {"avg_pool2d/padding",
       [] {
         avg_pool2d(Tensor::zeros({1, 4, 4, 3}), {.kernel = 3, .padding = 2});
       },
       "avg_pool2d: expects a padding of at most half of the window 3, got 2"},
      {"avg_pool2d/small",
       [] {
         avg_pool2d(Tensor::zeros({1, 4, 4, 3}), {.kernel = {2, 5}});
       },
       "avg_pool2d: a window of (2, 5) does not fit into the image (1, 4, 4, 3)"},
      {"adaptive_avg_pool2d/size",
       [] {
         adaptive_avg_pool2d(Tensor::zeros({1, 4, 0, 3}), 2);
       },
       "adaptive_avg_pool2d: expects sizes of at least 1, got an image (1, 4, 0, 3) and a size of "
       "2"},
      {"resize/size",
       [] {
         resize(Tensor::zeros({1, 4, 4, 3}), {0, 2});
       },
       "resize: expects sizes of at least 1, got an image (1, 4, 4, 3) and a size of (0, 2)"},
      {"resize/align",
       [] {
         resize(Tensor::zeros({1, 4, 4, 3}), 2, ResizeMode::nearest, true);
       },
       "resize: align_corners is for bilinear resizing"},
  };
}

const Registered registered{pool2d_cases, pool2d_errors};

}  // namespace
}  // namespace lathe::tests
