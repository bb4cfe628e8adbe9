#include "train/checkpoint_writer.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "tensor/check.h"

namespace lathe {
namespace {

constexpr double share_of_time = 0.05;  // that writing may take

/// With a state, as `last` has it: all that a resume needs.
Weights weights_of(const WeightsInfo& info, const Learnt& learnt, const TrainState* state) {
  Weights weights;
  weights.info = info;
  if (!state) {
    weights.tensors = learnt.average ? learnt.average->tensors() : learnt.model.state_dict();
    return weights;
  }
  weights.tensors = learnt.model.state_dict();
  weights.state = *state;
  weights.optimizer = learnt.optimizer.state();
  if (learnt.average) weights.averages = learnt.average->tensors();
  weights.info.epoch = state->epoch;
  return weights;
}

}  // namespace

int64_t bytes_of_run(const Recipe& recipe, const WeightsInfo& info, const Learnt& learnt) {
  const TrainState state;
  const int64_t bare = size_on_disk(weights_of(info, learnt, nullptr));
  const int64_t whole = size_on_disk(weights_of(info, learnt, &state));
  const Recipe::Checkpoint& keys = recipe.checkpoint;
  int64_t numbered = keys.every > 0 ? recipe.train.epochs / keys.every : 0;
  if (keys.keep > 0) numbered = std::min(numbered, keys.keep);
  // A file is written beside the one that it replaces. In floating point: epochs may be any number.
  const double bytes = 2 * double(whole) + (1 + double(numbered)) * double(bare);
  return bytes < 0x1p62 ? int64_t(bytes) : int64_t{1} << 62;
}

CheckpointWriter::CheckpointWriter(const RunFolder& folder, const Recipe& recipe, WeightsInfo info,
                                   const Learnt& learnt)
    : folder_(folder), recipe_(recipe), info_(std::move(info)), learnt_(learnt) {
  for (const NamedTensor& t : learnt_.model.state_dict())
    kept_.push_back({t.name, t.tensor.clone(), t.layout});
}

void CheckpointWriter::keep_best(int64_t epoch) {
  const std::vector<NamedTensor> now = weights_of(info_, learnt_, nullptr).tensors;
  for (size_t i = 0; i < now.size(); ++i) copy_(kept_[i].tensor, now[i].tensor);
  kept_epoch_ = epoch;
  best_is_new_ = true;
}

void CheckpointWriter::write_best() {
  Weights best = weights_of(info_, learnt_, nullptr);
  best.tensors = kept_;
  best.info.epoch = kept_epoch_;
  save_weights(folder_.weights("best"), best);
  best_is_new_ = false;
}

void CheckpointWriter::write(const TrainState& state) {
  const Clock::time_point start = Clock::now();
  if (best_is_new_) write_best();
  save_weights(folder_.weights("last"), weights_of(info_, learnt_, &state));
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
  Weights weights = weights_of(info_, learnt_, nullptr);
  weights.info.epoch = epoch;
  save_weights(folder_.weights("epoch_" + std::to_string(epoch)), weights);
  const Recipe::Checkpoint& keys = recipe_.checkpoint;
  std::error_code missing;
  if (const int64_t old = epoch - keys.keep * keys.every; keys.keep > 0 && old > 0)
    std::filesystem::remove(folder_.weights("epoch_" + std::to_string(old)), missing);
}

void CheckpointWriter::write_initial() {
  if (kept_epoch_ > 0 || std::filesystem::exists(folder_.weights("last"))) return;
  Weights initial = weights_of(info_, learnt_, nullptr);
  initial.tensors = kept_;
  initial.state = TrainState();  // no optimiser tensors: all zero
  save_weights(folder_.weights("last"), initial);
}

std::string CheckpointWriter::write_kept(int64_t best_epoch) {
  if (best_is_new_) write_best();
  write_initial();
  const std::filesystem::path best = folder_.weights("best");
  if (best_epoch > 0 && std::filesystem::exists(best))
    return concat("the best weights, of epoch ", best_epoch, ", are in ", best.string());
  return concat("the last good weights are in ", folder_.weights("last").string());
}

}  // namespace lathe
