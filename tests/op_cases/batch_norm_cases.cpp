// Batch norm in training and evaluation, with what follows it, and its backward by itself.
#include "layers/conv_norm.h"
#include "tests/op_cases/op_case.h"

namespace lathe::tests {
namespace {

using kernels::Nonlinearity;
using kernels::Statistics;

const char* name(Nonlinearity f) {
  return f == Nonlinearity::none    ? "none"
         : f == Nonlinearity::relu  ? "relu"
         : f == Nonlinearity::relu6 ? "relu6"
                                    : "silu";
}

struct How {
  Nonlinearity f = Nonlinearity::none;
  bool residual = false, training = true;
};

/// weight, bias, running mean, running variance, x, residual. Biases are too far from 0 for any
/// element to come near the kinks of ReLU while a difference quotient is taken.
OpCase norm_case(const Shape& x, How how, double low = -1, double high = 1) {
  const int64_t channels = x.dim(-1);
  return {.name = concat("batch_norm/", how.training ? "train/" : "eval/", name(how.f),
                         how.residual ? "/residual/" : "/", x, low > 1 ? "/far" : ""),
          .inputs = {{.shape = {channels}, .low = 0.2, .high = 0.5},
                     {.shape = {channels}, .low = -2, .high = 2, .kink = 0, .margin = 1.9},
                     {.shape = {channels}, .low = -0.2, .high = 0.2, .gradient = false},
                     {.shape = {channels}, .low = 0.5, .high = 2, .gradient = false},
                     {.shape = x, .low = low, .high = high},
                     {.shape = x, .low = -0.5, .high = 0.5, .gradient = how.residual}},
          .call =
              [how](const auto& in) {
                RunningStatistics running{in[2].detach(), in[3].detach(),
                                          Tensor::zeros({}, DType::i64, in[4].device())};
                const Tensor residual = how.residual ? in[5] : Tensor();
                if (!how.training)
                  return std::vector{
                      batch_norm_inference(running, in[4], in[0], in[1], {}, how.f, residual)};
                const Tensor y = batch_norm(running, in[4], in[0], in[1],
                                            {.eps = 1e-3, .momentum = 0.3}, how.f, residual);
                return std::vector{y, running.mean, running.var, running.batches};
              },
          // Two values become ±1 whatever they are: a gradient of noise.
          .differentiable = x.numel() > 2 * channels || !how.training,
          .tiny = x.numel() < 300};
}

/// The backward's kernel on gradients, elements and residuals of both signs and all sizes: weight,
/// bias, mean, 1 / deviation, x, dy, residual.
OpCase backward_case(const Shape& x, How how) {
  const int64_t channels = x.dim(-1);
  return {.name = concat("batch_norm_backward/", how.training ? "train/" : "eval/", name(how.f),
                         how.residual ? "/residual/" : "/", x),
          .inputs = {{{channels}},
                     {{channels}},
                     {{channels}},
                     {.shape = {channels}, .low = 0.5},
                     {.shape = x, .low = -5, .high = 9},
                     {x},
                     {x}},
          .call =
              [how](const auto& in) {
                const Tensor &w = in[0], b = in[1], mean = in[2].to(DType::f64),
                             rstd = in[3].to(DType::f64), x = in[4], dy = in[5];
                Tensor dx = empty_like(x), dresidual, dw = empty_like(w), db = empty_like(w);
                if (how.residual) dresidual = empty_like(x);
                // Of either sign, zeros and sixes too: what ReLU6 leaves of x.
                Tensor kept = how.residual ? in[6] : Tensor();
                kernels::batch_norm_backward(
                    dx, dresidual, dw, db, dy, x, kept, mean, rstd, w, b, how.f,
                    how.training ? Statistics::batch : Statistics::running);
                if (!how.residual) return std::vector{dx, dw, db};
                return std::vector{dx, dw, db, dresidual};
              },
          .differentiable = false,
          .tiny = x.numel() < 300};
}

OpCase bench(OpCase op_case, double reads_and_writes) {
  op_case.bench = true;
  op_case.elements = reads_and_writes * double(op_case.inputs[4].shape.numel());
  return op_case;
}

constexpr Nonlinearity all_f[] = {Nonlinearity::none, Nonlinearity::relu, Nonlinearity::relu6,
                                  Nonlinearity::silu};

std::vector<OpCase> batch_norm_cases() {
  std::vector<OpCase> all;
  const auto add_all = [&](const Shape& shape, bool training) {
    for (Nonlinearity f : all_f)
      for (bool residual : {false, true}) {
        all.push_back(norm_case(shape, {f, residual, training}));
        all.push_back(backward_case(shape, {f, residual, training}));
      }
  };
  for (bool training : {true, false}) {
    add_all({2, 3, 2, 5}, training);
    for (const Shape& shape : {Shape{7, 1}, Shape{4, 5, 3, 3}, Shape{33, 31}, Shape{2, 13, 11, 64},
                               Shape{5, 4, 3, 257}, Shape{3, 1056}}) {
      all.push_back(norm_case(shape, {.training = training}));
      all.push_back(norm_case(shape, {Nonlinearity::relu, true, training}));
      all.push_back(backward_case(shape, {Nonlinearity::relu, false, training}));
      all.push_back(backward_case(shape, {Nonlinearity::silu, true, training}));
    }
    add_all({700, 2, 16}, training);
  }
  all.push_back(norm_case({0, 4, 4, 8}, {Nonlinearity::relu, false, false}));
  all.push_back(norm_case({9, 8, 8, 24}, {}, 999, 1000));
  all.back().f64 = 1e-11;  // a mean 3000 deviations away takes three digits from any sum
  all.push_back(norm_case({9, 8, 8, 24}, {Nonlinearity::silu, false, true}, 99, 101));
  all.push_back(norm_case({2, 24}, {}));
  // ResNet's and EfficientNet's stages at a batch of 16. Each pass counts what it must move:
  // forward x twice and y; backward x and dy twice and dx, with a residual y and dresidual too.
  for (const Shape& x : {Shape{16, 112, 112, 64}, Shape{16, 56, 56, 64}, Shape{16, 56, 56, 256},
                         Shape{16, 28, 28, 512}, Shape{16, 14, 14, 1024}, Shape{16, 7, 7, 2048}}) {
    all.push_back(bench(norm_case(x, {Nonlinearity::relu, false, true}), 3));
    all.push_back(bench(backward_case(x, {Nonlinearity::relu, false, true}), 5));
  }
  all.push_back(bench(norm_case({16, 56, 56, 256}, {Nonlinearity::relu, true, true}), 4));
  all.push_back(bench(backward_case({16, 56, 56, 256}, {Nonlinearity::relu, true, true}), 7));
  for (const Shape& x : {Shape{16, 28, 28, 320}, Shape{16, 14, 14, 1056}}) {
    all.push_back(bench(norm_case(x, {Nonlinearity::silu, false, true}), 3));
    all.push_back(bench(backward_case(x, {Nonlinearity::silu, false, true}), 5));
  }
  return all;
}

std::vector<ErrorCase> batch_norm_errors() {
  static const auto call = [](const Shape& x, int64_t channels, const Tensor& residual = {}) {
    RunningStatistics running{Tensor::zeros({channels}), Tensor::zeros({channels}),
                              Tensor::zeros({}, DType::i64)};
    batch_norm(running, Tensor::zeros(x), Tensor::zeros({channels}), Tensor::zeros({channels}), {},
               Nonlinearity::none, residual);
  };
  return {
      {"batch_norm/one value",
       [] {
         call({1, 1, 1, 4}, 4);
       },
       "batch_norm: expects more than one value per channel in training, got x (1, 1, 1, 4)"},
      {"batch_norm/channels",
       [] {
         call({2, 3, 3, 4}, 5);
       },
       "batch_norm: expects 5 channels in the last dimension of at least two, got x (2, 3, 3, 4)"},
      {"batch_norm/rank", [] { call({5}, 5); },
       "batch_norm: expects 5 channels in the last dimension of at least two, got x (5,)"},
      {"batch_norm/residual",
       [] {
         call({2, 4}, 4, Tensor::zeros({2, 5}));
       },
       "batch_norm: expects residual (2, 4) f32, got (2, 5) f32"},
      {"batch_norm/no channel", [] { BatchNorm2d norm(0); },
       "BatchNorm2d: expects at least one channel, got 0"},
      {"fold_batch_norm/filters",
       [] {
         fold_batch_norm(Tensor::zeros({3, 1, 1, 2}), {}, BatchNorm2d(4));
       },
       "fold_batch_norm: expects a weight of 4 filters, got (3, 1, 1, 2)"}};
}

const Registered registered{batch_norm_cases, batch_norm_errors};

}  // namespace
}  // namespace lathe::tests
