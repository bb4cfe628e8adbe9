#include "train/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tensor/check.h"
#include "tensor/parallel.h"
#include "train/finite.h"
#include "train/freeze.h"
#include "train/nonfinite.h"
#include "train/plot.h"
#include "train/plots.h"

namespace lathe {
namespace {

std::string counts_text(const Dataset& data) {
  const std::vector<int64_t> counts = class_counts(data);
  std::string text;
  for (size_t i = 0; i < counts.size(); ++i)
    text += fmt::format("{}{} {}", i ? ", " : "", counts[i], data.class_names()[i]);
  return fmt::format("{} samples ({})", data.size(), text);
}

std::string epoch_text(const EpochResult& r, int64_t epochs, bool best) {
  const int width = int(std::to_string(epochs).size());
  std::string text = fmt::format("epoch {:{}}/{}  train loss {:.5g}, accuracy {:.2f} %", r.epoch,
                                 width, epochs, r.train_loss, 100 * r.train_accuracy);
  if (!std::isnan(r.valid_accuracy))
    text +=
        fmt::format("  valid loss {:.5g}, accuracy {:.2f} %", r.valid_loss, 100 * r.valid_accuracy);
  text += fmt::format("  lr {:g}  {:.2f} s", r.lr, r.seconds);
  return best ? text + "  * best" : text;
}

/// The cells of two classes' confusion matrix, for the log.
std::string confusion_text(const std::optional<Evaluation>& e, int64_t positive) {
  if (!e || !e->two_classes()) return "";
  const size_t p = size_t(positive), n = 1 - p;
  return fmt::format("  TP {}, TN {}, FP {}, FN {}", e->confusion[p][p], e->confusion[n][n],
                     e->confusion[n][p], e->confusion[p][n]);
}

}  // namespace

std::string Trainer::description() {
  std::string text = model_->print() + "\n";
  const int64_t all = model_->parameter_count(), trained = trained_count(*model_);
  text += fmt::format("{} parameters{}, {}, on {} with {} threads\n", all,
                      trained < all ? fmt::format(", {} of them trained", trained) : "",
                      recipe_.train.dtype, name(device_), num_threads());
  text += updates_.text();
  text += "train: " + counts_text(*train_);
  if (valid_) text += "\nvalid: " + counts_text(*valid_);
  if (!warning_.empty()) text += "\n" + warning_;
  if (!left_out_.empty())
    text += fmt::format("\n{} files could not be read and are left out:", left_out_.size());
  for (const std::string& reason : left_out_) text += "\n  " + reason;
  return text;
}

bool Trainer::enough_steps() const {
  return recipe_.train.max_steps > 0 && state_.steps >= recipe_.train.max_steps;
}

bool Trainer::stopped_early() const {
  const int64_t patience = recipe_.early_stopping.patience;
  return patience > 0 && state_.stopping.epochs_since >= patience;
}

bool Trainer::done() const {
  if (state_.epoch >= recipe_.train.epochs || stopped_early()) return true;
  return enough_steps() && state_.batches < train_loader_->batches();
}

/// The plots of the epochs so far.
void Trainer::draw(Progress& progress) const {
  if (recipe_.log.plots && state_.epoch > 0) progress.message(draw_plots(folder_->plots()));
}

int Trainer::run(Progress& progress, const std::function<void(const EpochResult&)>& on_epoch) {
  StopSignals signals;
  while (!done()) {
    const Clock::time_point start = Clock::now();
    std::optional<EpochResult> result;
    if (train_epoch(progress, signals) == Epoch::finished) result = end_epoch(start, signals);
    if (!result) {
      save();
      progress.message(
          fmt::format("stopped; weights and state are in {}", folder_->weights("last").string()));
      draw(progress);
      return signals.stop();
    }
    record(*result, progress, on_epoch);
  }
  draw(progress);
  return 0;
}

/// Tells everything that watches a result; whether this epoch is the best so far.
bool Trainer::watch(const EpochResult& result) {
  const auto value = [&](const std::string& monitor) { return watched(result, monitor); };
  const std::string &best = recipe_.checkpoint.monitor, &stopping = recipe_.early_stopping.monitor,
                    &schedule = recipe_.schedule.monitor;
  state_.stopping.add(value(stopping), lower_is_better(stopping), recipe_.early_stopping.min_delta);
  state_.group_rates.clear();
  for (Schedule& one : schedules_) {
    one.end_epoch(value(schedule), lower_is_better(schedule));
    if (&one != &schedules_[0]) state_.group_rates.push_back(one.state().lr);
  }
  state_.schedule = schedules_[0].state();
  return state_.best.add(value(best), lower_is_better(best));
}

void Trainer::record(const EpochResult& result, Progress& progress,
                     const std::function<void(const EpochResult&)>& on_epoch) {
  const bool best = watch(result);
  state_.epoch = result.epoch;
  state_.batches = 0;
  state_.sums = {};
  if (best) {
    state_.best_epoch = result.epoch;
    writer_->keep_best(result.epoch);
    if (evaluator_ && recipe_.log.plots) write_plot_data(folder_->plots(), *evaluator_, classes_);
  }
  results_->append(result);
  events_->epoch(result, validation_, *model_);
  writer_->end_epoch(state_, done());
  progress.epoch_line(epoch_text(result, recipe_.train.epochs, best),
                      confusion_text(validation_, positive_));
  if (stopped_early() && state_.epoch < recipe_.train.epochs)
    progress.message(fmt::format("stopped early: {} got no better for {} epochs",
                                 recipe_.early_stopping.monitor, recipe_.early_stopping.patience));
  on_epoch(result);
}

void Trainer::save() {
  check_weights();
  writer_->write(state_);
}

/// Before weights are kept or written: a loss is looked at before its update, never after it.
void Trainer::check_weights() {
  if (all_finite(updates_.arena->values())) return;
  for (const ParameterArena::Slice& slice : updates_.arena->slices())
    if (!all_finite(slice.parameter))
      stop_numeric(state_.steps,
                   concat("after its update the parameter ", slice.name, " is not finite"));
}

void Trainer::stop_nonfinite(const Batch& batch, const char* what, double loss) {
  const Tensor inputs = batch.inputs.to(device_), labels = batch.labels.to(device_);
  const std::string where = find_nonfinite(*model_, loss_, inputs, labels);
  const bool validating = !model_->training();
  stop_numeric(state_.steps + (validating ? 0 : 1), concat(what, " is ", loss, ": ", where));
}

void Trainer::stop_numeric(int64_t step, const std::string& what) {
  const std::string kept = writer_->write_kept(state_.best_epoch);
  fail(ErrorKind::numeric, "epoch ", state_.epoch + 1, ", step ", step, ": ", what,
       ". Lower optimizer.lr, or set train.clip_norm; ", kept);
}

std::string Trainer::summary() const {
  const std::string folder = "run folder: " + folder_->path().string();
  if (state_.best_epoch == 0) return folder;  // the steps ended within the first epoch
  const std::string curves = draw_curves("loss", {{"train", "•", results_->column("train_loss")},
                                                  {"valid", "∘", results_->column("valid_loss")}});
  std::string name = recipe_.checkpoint.monitor;
  if (name == "valid_loss" && !valid_) name = "train_loss";
  std::replace(name.begin(), name.end(), '_', ' ');
  return curves +
         fmt::format("best epoch {}: {} {:.5g}\n", state_.best_epoch, name, state_.best.value) +
         folder;
}

}  // namespace lathe
