#include "train/checkpoint_writer.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace lathe {
namespace {

constexpr double share_of_time = 0.05;  // that writing may take

}  // namespace

CheckpointWriter::CheckpointWriter(const RunFolder& folder, const Recipe& recipe, WeightsInfo info,
                                   Module& model, const Optimizer& optimizer)
    : folder_(folder),
      recipe_(recipe),
      info_(std::move(info)),
      model_(model),
      optimizer_(optimizer) {
  for (const NamedTensor& t : model_.state_dict()) kept_.push_back({t.name, t.tensor.clone()});
}

Weights CheckpointWriter::current(const TrainState* state) const {
  Weights weights;
  weights.info = info_;
  weights.tensors = model_.state_dict();
  if (state) {
    weights.state = *state;
    weights.optimizer = optimizer_.state();
    weights.info.epoch = state->epoch;
  }
  return weights;
}

void CheckpointWriter::check_disk_for(int64_t epochs) const {
  const TrainState state;
  const int64_t bare = size_on_disk(current(nullptr)), whole = size_on_disk(current(&state));
  const Recipe::Checkpoint& keys = recipe_.checkpoint;
  int64_t numbered = keys.every > 0 ? epochs / keys.every : 0;
  if (keys.keep > 0) numbered = std::min(numbered, keys.keep);
  // A file is written beside the one that it replaces.
  check_disk(folder_.path(), 2 * whole + (1 + numbered) * bare);
}

void CheckpointWriter::keep_best(int64_t epoch) {
  const std::vector<NamedTensor> now = model_.state_dict();
  for (size_t i = 0; i < now.size(); ++i) copy_(kept_[i].tensor, now[i].tensor);
  kept_epoch_ = epoch;
  best_is_new_ = true;
}

void CheckpointWriter::write(const TrainState& state) {
  const Clock::time_point start = Clock::now();
  if (best_is_new_) {
    Weights best = current(nullptr);
    best.tensors = kept_;
    best.info.epoch = kept_epoch_;
    save_weights(folder_.weights("best"), best);
    best_is_new_ = false;
  }
  save_weights(folder_.weights("last"), current(&state));
  written_at_ = Clock::now();
  write_seconds_ = std::chrono::duration<double>(written_at_ - start).count();
}

void CheckpointWriter::end_epoch(const TrainState& state, bool must) {
  const int64_t every = recipe_.checkpoint.every;
  if (every > 0 && state.epoch % every == 0) write_numbered(state.epoch);
  const double since = std::chrono::duration<double>(Clock::now() - written_at_).count();
  if (must || since * share_of_time >= write_seconds_) write(state);
}

void CheckpointWriter::write_numbered(int64_t epoch) {
  Weights weights = current(nullptr);
  weights.info.epoch = epoch;
  save_weights(folder_.weights("epoch_" + std::to_string(epoch)), weights);
  const Recipe::Checkpoint& keys = recipe_.checkpoint;
  std::error_code missing;
  if (const int64_t old = epoch - keys.keep * keys.every; keys.keep > 0 && old > 0)
    std::filesystem::remove(folder_.weights("epoch_" + std::to_string(old)), missing);
}

void CheckpointWriter::write_initial() {
  if (std::filesystem::exists(folder_.weights("last"))) return;
  Weights initial = current(nullptr);
  initial.tensors = kept_;
  initial.state = TrainState();  // no optimiser tensors: all zero
  initial.state->best_loss = HUGE_VAL;
  save_weights(folder_.weights("last"), initial);
}

}  // namespace lathe
