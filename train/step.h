// One step of training or evaluation, made once for each batch shape: the first batch of a shape is
// traced into a plan, the plan is fused where that pays, and from then on a step copies the batch
// into the plan's input and replays it.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "layers/module.h"
#include "optim/optimizer.h"
#include "tensor/plan.h"

namespace lathe {

/// The mean loss of a batch (one element) from the model's outputs and the labels.
using LossFunction = std::function<Tensor(const Tensor& outputs, const Tensor& labels)>;

/// A traced step and the tensors by which it is fed and read.
struct StepPlan {
  Tensor inputs, labels, outputs, loss;
  Tensor share;  ///< what the loss's gradient is multiplied by, where batches are accumulated
  Plan plan;
  int fused_layers = 0;
};

struct StepResult {
  double loss;            ///< mean over the batch
  const Tensor& outputs;  ///< the model's outputs, valid until the next step of this shape
};

/// A batch's place among those that make one update.
struct BatchPlace {
  int64_t index = 0;  ///< of `of`, or of fewer at the end of an epoch
  int64_t of = 1;
  bool last = true;  ///< the update follows
};

/// A second classifier's share of a step's loss: loss(outputs) + 0.4 loss(auxiliary outputs), as
/// PyTorch's tutorial on fine-tuning InceptionV3 has it.
inline constexpr double auxiliary_weight = 0.4;

/// Forward, loss, backward and update. The model, loss and optimiser must outlive it.
class TrainStep {
 public:
  TrainStep(Module& model, LossFunction loss, Optimizer& optimizer)
      : model_(model), loss_(std::move(loss)), optimizer_(optimizer) {}
  /// Inputs (B, …) and labels (B, …) on any device, of the types that the model and loss take. Puts
  /// the model in training mode. Nothing is updated, nor counted as a step, when the loss is not
  /// finite, so that what led to it can still be looked at.
  StepResult operator()(const Tensor& inputs, const Tensor& labels);
  /// The same for one of several batches that make one update, after the last of them. Each counts
  /// as many samples as it has, so that the update is that of their mean over samples.
  StepResult accumulate(const Tensor& inputs, const Tensor& labels, const BatchPlace& place);
  /// The plan for batches of this shape, traced if there was none; for benchmarks and tests.
  StepPlan& plan_for(const Tensor& inputs, const Tensor& labels);
  /// The same for the first of several batches that make one update, or a further one of them.
  StepPlan& accumulating_plan(const Tensor& inputs, const Tensor& labels, bool first);

 private:
  void forward(StepPlan& step);
  void update();

  Module& model_;
  LossFunction loss_;
  Optimizer& optimizer_;
  std::vector<std::unique_ptr<StepPlan>> plans_, first_plans_, further_plans_;
  Plan update_;
  int64_t unit_ = 1;    // samples of the update's first batch, which counts 1
  double batches_ = 0;  // what the update's batches count so far
};

/// Forward and loss in evaluation mode, with no tape.
class EvalStep {
 public:
  EvalStep(Module& model, LossFunction loss) : model_(model), loss_(std::move(loss)) {}
  StepResult operator()(const Tensor& inputs, const Tensor& labels);

 private:
  Module& model_;
  LossFunction loss_;
  std::vector<std::unique_ptr<StepPlan>> plans_;
};

}  // namespace lathe
