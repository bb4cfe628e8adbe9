// Convolutions: all shapes that rows treat differently, each forward and backward.
#include "layers/conv2d.h"
#include "layers/reduce.h"
#include "tests/op_cases/op_case.h"

namespace lathe::tests {
namespace {

struct Convolution {
  int64_t n, h, w, c, o;
  Size2 kernel;
  Conv2dWindow window = {};
  bool bias = false;
};

std::string name_of(const Convolution& v) {
  const Conv2dWindow& k = v.window;
  const Padding2& p = k.padding;
  std::string text = concat("conv2d/", v.n, "x", v.h, "x", v.w, "x", v.c, " to ", v.o, ", ",
                            v.kernel.height, "x", v.kernel.width);
  if (!(k.stride == Size2(1))) text += concat(", stride ", k.stride);
  if (p.same)
    text += ", same";
  else if (p.top + p.bottom + p.left + p.right > 0)
    text += concat(", padding ", p.top, " ", p.bottom, " ", p.left, " ", p.right);
  if (!(k.dilation == Size2(1))) text += concat(", dilation ", k.dilation);
  if (k.groups > 1) text += concat(", groups ", k.groups);
  return text + (v.bias ? ", bias" : "");
}

OpCase conv2d_case(const Convolution& v, bool tiny = false) {
  const int64_t c = v.c / v.window.groups, taps = v.kernel.height * v.kernel.width * c;
  OpCase made = {
      .name = name_of(v),
      .inputs = {{{v.n, v.h, v.w, v.c}}, {{v.o, v.kernel.height, v.kernel.width, c}}},
      .call =
          [window = v.window](const auto& in) {
            return std::vector{conv2d(in[0], in[1], in.size() > 2 ? in[2] : Tensor(), window)};
          },
      .tiny = tiny,
      .flops = 2.0 * double(v.n * v.h * v.w * v.o * taps)};
  if (v.bias) made.inputs.push_back({{v.o}});
  return made;
}

/// Shapes by what they are there for.
const Convolution shapes[] = {
    // windows of all sizes, on pictures that are no multiple of anything
    {.n = 2, .h = 5, .w = 7, .c = 3, .o = 4, .kernel = 1},
    {2, 5, 7, 8, 16, 1, {}, true},
    {1, 9, 9, 16, 32, 3, {.padding = 1}},
    {2, 11, 13, 5, 7, 3, {.padding = 1}, true},
    {1, 11, 13, 33, 31, 3},
    {3, 8, 8, 16, 64, 3, {.padding = 1}},
    {1, 9, 10, 4, 6, 5, {.padding = 2}, true},
    {1, 9, 10, 6, 4, 7, {.padding = 3}},
    {1, 6, 6, 3, 5, {2, 4}, {}, true},
    {2, 10, 8, 8, 8, {1, 7}, {.padding = {0, 3}}},
    {2, 10, 8, 8, 8, {7, 1}, {.padding = {3, 0}}},
    {1, 8, 8, 8, 8, {1, 3}, {.padding = {0, 1}}},
    // strides, also larger than the window
    {2, 15, 17, 3, 8, 7, {.stride = 2, .padding = 3}},
    {1, 12, 12, 16, 8, 3, {.stride = 2, .padding = 1}},
    {2, 13, 11, 8, 24, 1, {.stride = 2}},
    {1, 13, 11, 4, 4, 3, {.stride = {1, 2}, .padding = 1}, true},
    {1, 13, 14, 4, 8, 2, {.stride = 3}},
    {1, 9, 9, 3, 6, 5, {.stride = 4, .padding = 2}},
    // padding of each side alone, and TensorFlow's
    {1, 8, 9, 8, 8, 3, {.padding = {0, 1, 0, 1}}},
    {1, 8, 9, 8, 8, 3, {.padding = {2, 0, 1, 3}}, true},
    {1, 8, 9, 4, 8, 3, {.stride = 2, .padding = same_padding}},
    {2, 7, 7, 3, 8, 3, {.stride = 2, .padding = same_padding}},
    {1, 8, 8, 8, 8, 4, {.padding = same_padding}},
    {1, 10, 10, 8, 8, 5, {.stride = 2, .padding = same_padding}},
    // dilation
    {1, 12, 11, 8, 8, 3, {.padding = 2, .dilation = 2}},
    {1, 14, 13, 4, 6, 3, {.stride = 2, .padding = 3, .dilation = {2, 3}}, true},
    {1, 9, 9, 3, 4, 2, {.padding = same_padding, .dilation = 3}},
    // groups
    {1, 6, 7, 8, 8, 3, {.padding = 1, .groups = 2}},
    {1, 6, 7, 64, 64, 3, {.padding = 1, .groups = 32}},
    {1, 7, 7, 64, 64, 3, {.stride = 2, .padding = 1, .groups = 16}},
    {1, 6, 7, 12, 8, 1, {.groups = 4}, true},
    {1, 5, 5, 9, 27, 3, {.padding = 1, .groups = 3}},
    // depthwise, also with several filters a channel
    {2, 9, 11, 16, 16, 3, {.padding = 1, .groups = 16}},
    {1, 9, 11, 33, 33, 3, {.padding = 1, .groups = 33}, true},
    {1, 9, 11, 32, 32, 3, {.stride = 2, .padding = same_padding, .groups = 32}},
    {1, 10, 10, 16, 16, 5, {.padding = 2, .groups = 16}},
    {1, 10, 10, 8, 8, 5, {.stride = 2, .padding = same_padding, .groups = 8}},
    {1, 7, 6, 8, 24, 3, {.padding = 1, .groups = 8}},
    {1, 9, 9, 257, 257, 3, {.padding = 1, .groups = 257}},
    // extremes: a window as large as the picture, one pixel, one channel, many channels, no picture
    {3, 5, 5, 4, 6, 5, {}, true},
    {2, 1, 1, 31, 33, 1},
    {1, 1, 1, 8, 8, 3, {.padding = 1}},
    {2, 17, 1, 1, 1, 3, {.padding = 1}},
    {1, 4, 4, 257, 65, 1},
    {1, 7, 7, 128, 32, 3, {.padding = 1}},
    {0, 5, 5, 4, 4, 3, {.padding = 1}, true},
    // 32 channels and filters or more, which a row of AVX2's takes: tiles that go over rows and
    // images, windows mostly of padding, filters that are not whole vectors
    {3, 5, 7, 33, 65, 3, {.padding = 1}, true},
    {1, 9, 8, 32, 40, {1, 7}, {.padding = {0, 3}}},
    {1, 8, 9, 40, 33, {7, 1}, {.padding = {3, 0}}, true},
    {2, 4, 4, 36, 48, {3, 1}, {.padding = {2, 1, 0, 0}}},
    {1, 9, 9, 48, 57, 5, {.padding = 2}},
    {2, 9, 11, 34, 32, 3, {.stride = 2, .padding = same_padding}},
    {1, 9, 10, 32, 36, 3, {.padding = {0, 3, 1, 2}, .dilation = {2, 3}}},
    {1, 2, 2, 31, 257, 3, {.padding = 1}},
    {1, 1, 1, 257, 32, 3, {.padding = 2}},
    {0, 5, 5, 32, 32, 3, {.padding = 1}, true},
};

/// The smallest that still have more than one of everything.
const Convolution tiny_shapes[] = {
    {1, 3, 3, 2, 3, 2, {}, true},
    {1, 4, 3, 4, 4, 3, {.stride = 2, .padding = 1}},
    {2, 2, 2, 8, 8, 1},
    {1, 3, 4, 4, 4, 3, {.padding = 1, .groups = 4}},
    {1, 3, 3, 8, 8, 3, {.padding = 1, .groups = 2}},
    // more steps, patches and parts of a sum than one: every barrier of the GPU's rungs matters
    {1, 3, 3, 16, 16, 3, {.padding = 1}},
    {1, 10, 11, 8, 8, 1},
    {1, 9, 10, 2, 2, 3, {.padding = 1, .groups = 2}},
    {2, 9, 10, 8, 8, 1},
};

/// The forward kernel's epilogues, which inference uses.
OpCase epilogue_case(int64_t c, int64_t o, Size2 window, int64_t groups) {
  return {.name = concat("conv2d/epilogues/", c, " to ", o, ", ", window.height),
          .inputs = {{{1, 5, 6, c}},
                     {{o, window.height, window.width, c / groups}},
                     {{o}},
                     {{1, 5, 6, o}}},
          .call =
              [=](const auto& in) {
                using kernels::Nonlinearity;
                std::vector<Tensor> results;
                const int64_t pad = window.height / 2;
                const kernels::Conv2dShape k{.pad_top = pad,
                                             .pad_bottom = pad,
                                             .pad_left = pad,
                                             .pad_right = pad,
                                             .groups = groups};
                for (Nonlinearity f : {Nonlinearity::none, Nonlinearity::relu, Nonlinearity::relu6,
                                       Nonlinearity::silu})
                  for (int terms = 0; terms < 4; ++terms) {
                    Tensor y = Tensor::empty({1, 5, 6, o}, in[0].dtype(), in[0].device());
                    kernels::conv2d_forward(y, in[0], in[1], terms & 1 ? in[2] : Tensor(),
                                            terms & 2 ? in[3] : Tensor(), f, k);
                    results.push_back(y);
                  }
                return results;
              },
          .differentiable = false};
}

OpCase bench_case(const Convolution& v) {
  OpCase made = conv2d_case(v);
  made.bench = true;
  const int64_t stride = v.window.stride.height;
  const double p = double(v.h / stride), q = double(v.w / stride);
  const double taps = double(v.kernel.height * v.kernel.width * v.c / v.window.groups);
  made.flops = 2.0 * double(v.n) * p * q * double(v.o) * taps;
  made.elements = double(v.n * v.h * v.w * v.c) + double(v.n) * p * q * double(v.o);
  return made;
}

std::vector<OpCase> conv2d_cases() {
  std::vector<OpCase> all;
  for (const Convolution& v : shapes) all.push_back(conv2d_case(v));
  for (const Convolution& v : tiny_shapes) all.push_back(conv2d_case(v, true));
  all.push_back(epilogue_case(8, 16, 3, 1));
  all.push_back(epilogue_case(16, 8, 1, 1));
  all.push_back(epilogue_case(8, 8, 3, 8));
  all.push_back(epilogue_case(3, 5, 3, 1));
  all.push_back(epilogue_case(32, 37, 3, 1));
  // resnet50's: stem, 3x3, 1x1 up and down; resnext50's and efficientnet's
  all.push_back(bench_case({4, 224, 224, 3, 64, 7, {.stride = 2, .padding = 3}}));
  all.push_back(bench_case({4, 56, 56, 64, 64, 3, {.padding = 1}}));
  all.push_back(bench_case({4, 28, 28, 512, 128, 1}));
  all.push_back(bench_case({4, 14, 14, 256, 1024, 1}));
  all.push_back(bench_case({4, 14, 14, 256, 256, 3, {.padding = 1}}));
  all.push_back(bench_case({4, 28, 28, 256, 256, 3, {.padding = 1, .groups = 32}}));
  all.push_back(bench_case({4, 14, 14, 960, 960, 3, {.padding = 1, .groups = 960}}));
  return all;
}

std::vector<ErrorCase> conv2d_errors() {
  const Tensor x = Tensor::zeros({2, 5, 5, 4}), w = Tensor::zeros({8, 3, 3, 4});
  return {
      {"conv2d/rank",
       [=] {
         conv2d(Tensor::zeros({5, 5, 4}), w, {});
       },
       "conv2d: expects an image (N, H, W, C), got (5, 5, 4)"},
      {"conv2d/weight",
       [=] {
         conv2d(x, Tensor::zeros({8, 4}), {});
       },
       "conv2d: expects a weight (O, R, S, C / groups), got (8, 4)"},
      {"conv2d/channels",
       [=] {
         conv2d(Tensor::zeros({2, 5, 5, 3}), w, {});
       },
       "conv2d: the weight (8, 3, 3, 4) expects 4 input channels, got x (2, 5, 5, 3)"},
      {"conv2d/groups", [=] { conv2d(x, w, {}, {.groups = 2}); },
       "conv2d: the weight (8, 3, 3, 4) in 2 groups expects 8 input channels, got x (2, 5, 5, 4)"},
      {"conv2d/bias", [=] { conv2d(x, w, Tensor::zeros({4})); },
       "conv2d: expects a bias (8,), got (4,)"},
      {"conv2d/too small",
       [=] {
         conv2d(Tensor::zeros({1, 2, 5, 4}), w, {});
       },
       "conv2d: the picture is too small: a window of 3 with dilation 1 does not fit x (1, 2, 5, "
       "4) "
       "with padding 0 and 0"},
      {"conv2d/stride", [=] { conv2d(x, w, {}, {.stride = 0}); },
       "conv2d: expects stride, dilation and groups of at least 1, got 0, 1 and 1"},
      {"conv2d/types", [=] { conv2d(x, w.to(DType::f64), {}); },
       "conv2d: x is f32, but the weight f64"},
      {"Conv2d/groups", [] { Conv2d({.in_channels = 4, .out_channels = 6, .groups = 4}); },
       "Conv2d: 4 and 6 channels cannot be divided into 4 groups"},
  };
}

const Registered registered{conv2d_cases, conv2d_errors};

}  // namespace
}  // namespace lathe::tests
