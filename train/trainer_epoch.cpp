// An epoch of training: its steps, its validation, and what it came to.
#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "train/trainer.h"

namespace lathe {
namespace {

constexpr double not_measured = std::numeric_limits<double>::quiet_NaN();

double sum_of_magnitudes(const ParameterArena& arena) {
  double sum = 0;
  for (const ParameterArena::Slice& slice : arena.slices())
    for (double value : slice.parameter.to_vector<double>()) sum += std::abs(value);
  return sum;
}

}  // namespace

Trainer::Epoch Trainer::train_epoch(Progress& progress, StopSignals& signals) {
  const int64_t epoch = state_.epoch + 1;
  train_loader_->begin(uint32_t(epoch), state_.batches);
  progress.begin(fmt::format("epoch {}/{}", epoch, recipe_.train.epochs), train_->size(),
                 state_.sums.samples);
  if (state_.batches == 0)
    progress.log(
        fmt::format("epoch {}: learning rate {:g}", epoch, schedules_[0].lr(epoch - 1, 0)));
  while (const Batch* batch = enough_steps() ? nullptr : train_loader_->next()) {
    const bool updated = train_batch(*batch, progress);
    progress.update(state_.sums.samples, state_.sums.mean_loss());
    if (!updated) continue;  // gradients that wait for their update are nowhere kept
    if (signals.take_save()) save();
    if (signals.stop()) return Epoch::stopped;
  }
  train_loader_->cancel();
  progress.end();
  return state_.batches == train_loader_->batches() ? Epoch::finished : Epoch::stopped;
}

/// Batches of an epoch are counted from its beginning: its last update may have fewer.
BatchPlace Trainer::place_of_next_batch() const {
  const int64_t of = recipe_.train.accumulate, index = state_.batches % of;
  return {index, of, index == of - 1 || state_.batches == train_loader_->batches() - 1};
}

/// Whether an update followed.
bool Trainer::train_batch(const Batch& batch, Progress& progress) {
  const BatchPlace place = place_of_next_batch();
  for (size_t g = 0; g < schedules_.size(); ++g)
    updates_.optimizer->set_lr(schedules_[g].lr(state_.epoch, state_.batches / place.of), int(g));
  if (mixing_) mixing_->mix(batch.inputs, batch.labels, uint32_t(state_.epoch + 1), state_.batches);
  const StepResult result = place.of == 1
                                ? (*train_step_)(batch.inputs, batch.labels)
                                : train_step_->accumulate(batch.inputs, batch.labels, place);
  if (!std::isfinite(result.loss)) stop_nonfinite(batch, "the loss", result.loss);
  state_.sums.add(result.loss, result.outputs, batch.labels, class_weights_);
  ++state_.batches;
  if (place.index == 0) step_sums_ = {};
  const double weight = weight_of(batch.labels, class_weights_);
  step_sums_.loss += result.loss * weight;
  step_sums_.weight += weight;
  if (!place.last) return false;
  if (average_) average_->update();
  if (++state_.steps == 1) writer_->write_initial();  // not before: the first step is soon
  log_step(place.of == 1 ? result.loss : step_sums_.mean_loss(), progress);
  return true;
}

void Trainer::log_step(double loss, Progress& progress) {
  events_->step(state_.steps, loss);
  if (const int64_t every = recipe_.log.every_steps; every > 0 && state_.steps % every == 0)
    progress.log(fmt::format("step {}: loss {:.5g}, in the epoch so far {:.5g}", state_.steps, loss,
                             state_.sums.mean_loss()));
}

/// Measures the validation set; false when a signal asks to stop in the middle of it.
bool Trainer::validate(StopSignals& signals) {
  evaluator_.emplace(int64_t(classes_.size()), positive_, class_weights_);
  WeightAverage::InModel averages(average_.get());
  valid_loader_->begin(0);
  while (const Batch* batch = valid_loader_->next()) {
    const StepResult result = (*eval_step_)(batch->inputs, batch->labels);
    if (!std::isfinite(result.loss) && weight_of(batch->labels, class_weights_) > 0)
      stop_nonfinite(*batch, "the validation loss", result.loss);
    evaluator_->add(result.loss, result.outputs, batch->labels);
    if (signals.take_save()) averages.outside([this] { save(); });
    if (signals.stop()) return false;
  }
  validation_ = evaluator_->result();
  return true;
}

std::optional<EpochResult> Trainer::end_epoch(Clock::time_point start, StopSignals& signals) {
  check_weights();
  EpochResult result{};
  result.epoch = state_.epoch + 1;
  result.train_loss = state_.sums.mean_loss();
  result.train_accuracy = state_.sums.accuracy();
  result.valid_loss = result.valid_accuracy = not_measured;
  result.lr = updates_.optimizer->options().lr;
  if (const double l1 = recipe_.train.l1; l1 > 0)
    result.further.emplace_back("train_l1", l1 * sum_of_magnitudes(*updates_.arena));
  if (valid_) {
    if (!validate(signals)) return std::nullopt;
    const std::optional<Evaluation>& e = validation_;
    result.valid_loss = e->loss;
    result.valid_accuracy = e->accuracy;
    const ClassMeasures& m = e->two_classes() ? e->positive : e->macro;
    result.further.insert(
        result.further.end(),
        {{"valid_precision", m.precision}, {"valid_recall", m.recall}, {"valid_f1", m.f1}});
    if (e->two_classes())
      for (const auto& [name, value] : {std::pair("valid_roc_auc", e->roc_auc),
                                        {"valid_average_precision", e->average_precision},
                                        {"valid_eer", e->equal_error_rate}})
        result.further.emplace_back(name, value);
  }
  result.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return result;
}

}  // namespace lathe
