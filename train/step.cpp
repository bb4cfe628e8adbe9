#include "train/step.h"

#include <cmath>

#include "layers/arithmetic.h"
#include "layers/random_state.h"
#include "optim/fuse_linear_updates.h"
#include "tensor/tape.h"

namespace lathe {
namespace {

using Plans = std::vector<std::unique_ptr<StepPlan>>;

/// The plan whose batch looks like this one, or null. A run has two: full batches and the last,
/// smaller one.
StepPlan* find(const Plans& plans, const Tensor& inputs, const Tensor& labels) {
  for (const auto& plan : plans)
    if (plan->inputs.shape() == inputs.shape() && plan->labels.shape() == labels.shape() &&
        plan->inputs.dtype() == inputs.dtype() && plan->labels.dtype() == labels.dtype())
      return plan.get();
  return nullptr;
}

/// Traces a step for batches like this one, on the model's device, and keeps it once that has gone
/// well.
template <class Trace>
StepPlan& add(Plans& plans, Module& model, const Tensor& inputs, const Tensor& labels,
              const Trace& trace) {
  LATHE_CHECK(inputs.numel() > 0, "train: expects a batch of at least one sample, got inputs ",
              inputs.shape());
  const auto parameters = model.named_parameters();
  const Device device = parameters.empty() ? Device::cpu : parameters[0].tensor.device();
  auto step = std::make_unique<StepPlan>();
  step->inputs = Tensor::empty(inputs.shape(), inputs.dtype(), device);
  step->labels = Tensor::empty(labels.shape(), labels.dtype(), device);
  step->plan.trace([&] { trace(*step); });
  plans.push_back(std::move(step));
  return *plans.back();
}

StepResult run(StepPlan& step, const Tensor& inputs, const Tensor& labels) {
  copy_(step.inputs, inputs);
  copy_(step.labels, labels);
  step.plan.replay();
  return {step.loss.item(), step.outputs};
}

}  // namespace

StepPlan& TrainStep::plan_for(const Tensor& inputs, const Tensor& labels) {
  if (StepPlan* known = find(plans_, inputs, labels)) return *known;
  StepPlan& step = add(plans_, model_, inputs, labels, [this](StepPlan& s) {
    Tape tape;
    optimizer_.zero_grad();
    s.outputs = model_(s.inputs);
    s.loss = loss_(s.outputs, s.labels);
    if (const Tensor second = model_.take_auxiliary_outputs())
      s.loss = add(s.loss, mul(loss_(second, s.labels), auxiliary_weight));
    optimizer_.watch(s.loss);
    tape.backward(s.loss);
    optimizer_.apply();
  });
  step.fused_layers = fuse_linear_updates(step.plan, optimizer_);
  return step;
}

StepResult TrainStep::operator()(const Tensor& inputs, const Tensor& labels) {
  if (!model_.training()) model_.train();
  set_random_step(optimizer_.steps());  // a resumed run draws the masks that it would have drawn
  StepPlan& step = plan_for(inputs, labels);
  optimizer_.advance();
  const StepResult result = run(step, inputs, labels);
  if (!std::isfinite(result.loss)) optimizer_.set_steps(optimizer_.steps() - 1);
  return result;
}

StepResult EvalStep::operator()(const Tensor& inputs, const Tensor& labels) {
  if (model_.training()) model_.eval();
  StepPlan* step = find(plans_, inputs, labels);
  if (!step)
    step = &add(plans_, model_, inputs, labels, [this](StepPlan& s) {
      s.outputs = model_(s.inputs);
      s.loss = loss_(s.outputs, s.labels);
    });
  return run(*step, inputs, labels);
}

}  // namespace lathe
