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

void TrainStep::forward(StepPlan& s) {
  s.outputs = model_(s.inputs);
  s.loss = loss_(s.outputs, s.labels);
  if (const Tensor second = model_.take_auxiliary_outputs())
    s.loss = add(s.loss, mul(loss_(second, s.labels), auxiliary_weight));
}

StepPlan& TrainStep::plan_for(const Tensor& inputs, const Tensor& labels) {
  if (StepPlan* known = find(plans_, inputs, labels)) return *known;
  StepPlan& step = add(plans_, model_, inputs, labels, [this](StepPlan& s) {
    Tape tape;
    optimizer_.zero_grad();
    forward(s);
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

/// The first batch's gradients are written, those of further batches added to them.
StepPlan& TrainStep::accumulating_plan(const Tensor& inputs, const Tensor& labels, bool first) {
  Plans& plans = first ? first_plans_ : further_plans_;
  if (StepPlan* known = find(plans, inputs, labels)) return *known;
  return add(plans, model_, inputs, labels, [&](StepPlan& s) {
    Tape tape;
    if (first) optimizer_.zero_grad();
    forward(s);
    {
      const OutsidePlan is_written_each_step;
      s.share = Tensor::full(s.loss.shape(), 1, s.loss.dtype(), s.loss.device());
    }
    tape.backward(s.loss, s.share);
  });
}

StepResult TrainStep::accumulate(const Tensor& inputs, const Tensor& labels,
                                 const BatchPlace& place) {
  if (!model_.training()) model_.train();
  set_random_step(optimizer_.steps() * place.of + place.index);
  StepPlan& step = accumulating_plan(inputs, labels, place.index == 0);
  if (place.index == 0) {
    unit_ = inputs.dim(0);
    batches_ = 0;
  }
  const double share = double(inputs.dim(0)) / double(unit_);
  fill_(step.share, share);
  const StepResult result = run(step, inputs, labels);
  batches_ += share;
  if (place.last && std::isfinite(result.loss)) update();
  return result;
}

void TrainStep::update() {
  if (update_.empty()) update_.trace([this] { optimizer_.apply(); });
  optimizer_.advance(batches_);
  update_.replay();
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
