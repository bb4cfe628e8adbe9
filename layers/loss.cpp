#include "layers/loss.h"

#include "kernels/loss.h"
#include "tensor/tape.h"

namespace lathe {
namespace {

/// An empty loss for inputs like x.
Tensor loss_like(const Tensor& x) {
  return Tensor::empty({}, x.dtype() == DType::f64 ? DType::f64 : DType::f32, x.device());
}

/// Memory for d loss / d x; none when nothing records.
Tensor slope_like(const Tensor& x) { return Tape::current() ? empty_like(x) : Tensor(); }

Tensor scaled_slope(const Tensor& dloss, const Tensor& slope, double scale = 1) {
  Tensor dx = empty_like(slope);
  kernels::loss_backward(dx, dloss, slope, scale);
  return dx;
}

/// record() for a loss whose targets have no gradient.
Tensor record_loss(const char* op, Tensor loss, const Tensor& x, const Tensor& targets,
                   const Tensor& slope) {
  return record(op, std::move(loss), {x, targets},
                [op, slope](const Tensor& dloss, const Needs& needs) -> Grads {
                  LATHE_CHECK(!needs[1], op, ": the targets have no gradient; detach them");
                  return {needs[0] ? scaled_slope(dloss, slope) : Tensor(), Tensor()};
                });
}

}  // namespace

Tensor bce_with_logits(const Tensor& logits, const Tensor& targets, double pos_weight) {
  LATHE_CHECK(targets.numel() == logits.numel(), "bce_with_logits: expects a target for each of ",
              logits.numel(), " logits ", logits.shape(), ", got ", targets.shape());
  LATHE_CHECK(targets.dtype() == logits.dtype() || targets.dtype() == DType::i64,
              "bce_with_logits: expects targets in ", logits.dtype(), " or i64, got ",
              targets.dtype());
  Tensor loss = loss_like(logits), slope = slope_like(logits);
  kernels::bce_with_logits(loss, slope, logits, targets, pos_weight);
  return record_loss("bce_with_logits", loss, logits, targets, slope);
}

Tensor cross_entropy(const Tensor& logits, const Tensor& labels,
                     const CrossEntropyOptions& options) {
  LATHE_CHECK(logits.rank() == 2 && logits.dim(1) > 0, "cross_entropy: expects logits (N, C), got ",
              logits.shape());
  LATHE_CHECK(labels.numel() == logits.dim(0) && labels.dtype() == DType::i64,
              "cross_entropy: expects ", logits.dim(0), " labels in i64 for logits ",
              logits.shape(), ", got ", labels.shape(), " ", labels.dtype());
  const double smoothing = options.label_smoothing;
  LATHE_CHECK(smoothing >= 0 && smoothing <= 1,
              "cross_entropy: expects label smoothing from 0 to 1, got ", smoothing);
  Tensor loss = loss_like(logits), slope = slope_like(logits);
  const Tensor& weights = options.class_weights;
  LATHE_CHECK(!weights || (weights.numel() == logits.dim(1) && weights.dtype() == loss.dtype()),
              "cross_entropy: expects ", logits.dim(1), " class weights in ", loss.dtype(),
              ", got ", weights.shape(), " ", weights.dtype());
  kernels::cross_entropy(loss, slope, logits, labels, weights, smoothing);
  return record_loss("cross_entropy", loss, logits, labels, slope);
}

Tensor mse(const Tensor& x, const Tensor& target) {
  LATHE_CHECK(x.shape() == target.shape() && x.dtype() == target.dtype(),
              "mse: expects equal shapes and types, got ", x.shape(), " ", x.dtype(), " and ",
              target.shape(), " ", target.dtype());
  Tensor loss = loss_like(x), slope = slope_like(x);
  kernels::mse(loss, slope, x, target);
  return record("mse", loss, {x, target},
                [slope](const Tensor& dloss, const Needs& needs) -> Grads {
                  return {needs[0] ? scaled_slope(dloss, slope) : Tensor(),
                          needs[1] ? scaled_slope(dloss, slope, -1) : Tensor()};
                });
}

}  // namespace lathe
