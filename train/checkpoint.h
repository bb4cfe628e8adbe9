// Weights files: safetensors with the model's tensors under its own names, and in the metadata what
// is needed to use them. The file `last` of a run also holds what training needs to go on: the
// optimiser's state under "optimizer.", averages of the weights under "ema.", the position and the
// sums of the epoch.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "data/normalize.h"
#include "layers/module.h"
#include "optim/schedule.h"
#include "train/metrics.h"
#include "train/monitor.h"

namespace lathe {

/// The version of the files that this Lathe writes; it reads all up to it.
inline constexpr int weights_format_version = 1;

/// What weights say of themselves.
struct WeightsInfo {
  std::string model;  ///< a name of the registry; empty: the file does not say
  std::map<std::string, std::string> options;  ///< of the model, as JSON
  std::vector<std::string> classes;
  std::vector<std::string> channels;  ///< the data's, in order; empty: they have no names
  std::string recipe;                 ///< TOML; empty: the file does not say
  int64_t epoch = 0;                  ///< how many epochs these weights have seen
  std::optional<Normalization> normalization;
};

/// Where training stands.
struct TrainState {
  int64_t epoch = 0;          ///< epochs finished
  int64_t batches = 0;        ///< batches of the next epoch that are done
  int64_t steps = 0;          ///< updates in all
  RunningSums sums;           ///< of the next epoch
  int64_t epoch_samples = 0;  ///< samples of an epoch; 0: the file does not say
  BestSoFar best;             ///< of checkpoint.monitor
  int64_t best_epoch = 0;     ///< 0: none yet
  BestSoFar stopping;         ///< of early_stopping.monitor
  Schedule::State schedule;
  std::vector<double> group_rates;  ///< the rates to which schedules of further groups have come
};

struct Weights {
  WeightsInfo info;
  std::vector<NamedTensor> tensors;  ///< the model's, in the file's order
  std::vector<NamedTensor> optimizer, averages;
  std::optional<TrainState> state;
  std::vector<std::string> notes;  ///< of read_weights: what was passed over in the file
};

/// Writes weights, atomically; with a state, the optimiser's tensors and the averages too.
void save_weights(const std::filesystem::path& file, const Weights& weights);
/// Reads weights, of other programs too (read_weights). Throws Error(data) for a file that is
/// damaged, or of a later format_version.
Weights load_weights(const std::filesystem::path& file);
/// Bytes that the file will have, to a few per cent.
int64_t size_on_disk(const Weights& weights);
/// Throws Error(device) when there is less free space than `bytes` where the folder is, or will be.
void check_disk(const std::filesystem::path& folder, int64_t bytes);

}  // namespace lathe
