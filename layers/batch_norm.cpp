#include "layers/batch_norm.h"

#include "layers/recompute.h"
#include "tensor/tape.h"

namespace lathe {
namespace {

using kernels::Nonlinearity;
using kernels::Statistics;

void check(const char* op, const RunningStatistics& running, const Tensor& x, const Tensor& weight,
           const Tensor& bias, const Tensor& residual) {
  LATHE_CHECK(is_floating(x.dtype()), op, ": expects a floating type, got ", x.dtype());
  LATHE_CHECK(weight.rank() == 1 && weight.dim(0) >= 1, op, ": expects a weight (C,), got ",
              weight.shape());
  LATHE_CHECK(x.rank() >= 2 && x.dim(-1) == weight.dim(0), op, ": expects ", weight.dim(0),
              " channels in the last dimension of at least two, got x ", x.shape());
  const auto expect = [&](const char* what, const Tensor& t, const Shape& shape, DType dtype) {
    LATHE_CHECK(t.shape() == shape && t.dtype() == dtype, op, ": expects ", what, " ", shape, " ",
                dtype, ", got ", t.shape(), " ", t.dtype());
  };
  expect("weight", weight, weight.shape(), x.dtype());
  expect("bias", bias, weight.shape(), x.dtype());
  expect("running mean", running.mean, weight.shape(), x.dtype());
  expect("running variance", running.var, weight.shape(), x.dtype());
  if (residual) expect("residual", residual, x.shape(), x.dtype());
}

/// What the backward keeps: all detached.
struct Kept {
  Tensor x, kept, mean, rstd, weight, bias;
};

/// The gradient of y = f(normalised x + residual); inputs are x, weight, bias, residual. Where
/// nobody else keeps x, as with a convolution's result that only its batch norm reads, the gradient
/// of x takes over its memory; not after SiLU alone, whose dz waits in the gradient's memory for
/// the second pass over x.
Grads backward(const Kept& k, Nonlinearity f, Statistics statistics, const Tensor& dy,
               const Needs& needs) {
  Grads grads(4);
  const bool own_x = k.x.storage().use_count() == 1 && (f != Nonlinearity::silu || k.kept);
  if (needs[0]) grads[0] = own_x ? k.x.detach() : needs.out(0);
  if (needs[1]) grads[1] = needs.out(1);
  if (needs[2]) grads[2] = needs.out(2);
  const bool passed_on = f == Nonlinearity::none;  // dresidual is dy
  if (needs[3] && !passed_on) grads[3] = needs.out(3);
  if (grads[0] || grads[1] || grads[2] || grads[3])
    kernels::batch_norm_backward(grads[0], grads[3], grads[1], grads[2], dy, k.x, k.kept, k.mean,
                                 k.rstd, k.weight, k.bias, f, statistics);
  if (needs[3] && passed_on) grads[3] = dy;
  return grads;
}

Tensor record_backward(const char* op, const Tensor& y, const Tensor& x, const Tensor& weight,
                       const Tensor& bias, const Tensor& residual, const Tensor& mean,
                       const Tensor& rstd, Nonlinearity f, Statistics statistics) {
  Kept k{x.detach(), {}, mean, rstd, weight.detach(), bias.detach()};
  if (residual && f != Nonlinearity::none)
    k.kept = f == Nonlinearity::silu ? residual.detach() : y.detach();
  return record(op, y, {x, weight, bias, residual},
                [k = std::move(k), f, statistics](const Tensor& dy, const Needs& needs) -> Grads {
                  return backward(k, f, statistics, dy, needs);
                });
}

Tensor statistics_like(const Tensor& x, const Tensor& weight) {
  return Tensor::empty(weight.shape(), DType::f64, x.device());
}

}  // namespace

Tensor batch_norm(RunningStatistics& running, const Tensor& x, const Tensor& weight,
                  const Tensor& bias, BatchNormOptions options, Nonlinearity f,
                  const Tensor& residual) {
  check("batch_norm", running, x, weight, bias, residual);
  LATHE_CHECK(running.batches.numel() == 1 && running.batches.dtype() == DType::i64,
              "batch_norm: expects one i64 that counts batches, got ", running.batches.shape(), " ",
              running.batches.dtype());
  LATHE_CHECK(x.numel() / weight.dim(0) > 1,
              "batch_norm: expects more than one value per channel in training, got x ", x.shape());
  Tensor y = empty_like(x), mean = statistics_like(x, weight), rstd = statistics_like(x, weight);
  kernels::batch_norm_forward(y, mean, rstd, running.mean, running.var, running.batches, x, weight,
                              bias, residual, f, options);
  return record_backward("batch_norm", y, x, weight, bias, residual, mean, rstd, f,
                         Statistics::batch);
}

Tensor batch_norm_inference(const RunningStatistics& running, const Tensor& x, const Tensor& weight,
                            const Tensor& bias, BatchNormOptions options, Nonlinearity f,
                            const Tensor& residual) {
  check("batch_norm_inference", running, x, weight, bias, residual);
  Tensor y = empty_like(x), mean = statistics_like(x, weight), rstd = statistics_like(x, weight);
  kernels::batch_norm_inference(y, mean, rstd, x, running.mean, running.var, weight, bias, residual,
                                f, options);
  return record_backward("batch_norm_inference", y, x, weight, bias, residual, mean, rstd, f,
                         Statistics::running);
}

BatchNorm2d::BatchNorm2d(int64_t channels, BatchNormOptions options) : options_(options) {
  LATHE_CHECK(channels >= 1, "BatchNorm2d: expects at least one channel, got ", channels);
  weight = Tensor::full({channels}, 1).requires_grad_();
  bias = Tensor::zeros({channels}).requires_grad_();
  running = {Tensor::zeros({channels}), Tensor::full({channels}, 1), Tensor::zeros({}, DType::i64)};
}

Tensor BatchNorm2d::apply(const Tensor& x, Nonlinearity f, const Tensor& residual) {
  if (!training()) return batch_norm_inference(running, x, weight, bias, options_, f, residual);
  if (!recomputing()) return batch_norm(running, x, weight, bias, options_, f, residual);
  RunningStatistics moved_already{zeros_like(running.mean), zeros_like(running.var),
                                  zeros_like(running.batches)};
  return batch_norm(moved_already, x, weight, bias, options_, f, residual);
}

Tensor BatchNorm2d::forward(const Tensor& x, Nonlinearity f, const Tensor& residual) {
  const ErrorScope scope(path());
  return apply(x, f, residual);
}

void BatchNorm2d::visit(Visitor& visitor) {
  visitor.parameter("weight", weight);
  visitor.parameter("bias", bias);
  visitor.buffer("running_mean", running.mean);
  visitor.buffer("running_var", running.var);
  visitor.buffer("num_batches_tracked", running.batches);
}

std::string BatchNorm2d::details() const {
  return concat(channels(), ", eps=", options_.eps, ", momentum=", options_.momentum,
                ", affine=True, track_running_stats=True");
}

}  // namespace lathe
