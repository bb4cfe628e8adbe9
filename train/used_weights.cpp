#include "train/used_weights.h"

#include "models/registry.h"
#include "tensor/check.h"
#include "tensor/suggest.h"
#include "train/check_data.h"
#include "train/run_folder.h"

namespace lathe {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> weights_names(const RunFolder& run) {
  std::vector<std::string> names;
  std::error_code missing;
  for (const auto& entry : fs::directory_iterator(run.path() / "weights", missing))
    if (entry.path().extension() == ".safetensors") names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

/// The weights file of a run: by its name in weights/, or any file.
fs::path file_of(const RunFolder& run, const std::string& wanted) {
  if (fs::exists(run.weights(wanted))) return run.weights(wanted);
  if (fs::is_regular_file(wanted)) return wanted;
  const std::vector<std::string> names = weights_names(run);
  if (names.empty()) fail(ErrorKind::data, run.path().string(), ": this run has no weights yet");
  fail(ErrorKind::data, run.path().string(), ": has no weights '", wanted, "'",
       suggestion(wanted, names), " (it has ", list_text(names), ")");
}

std::vector<std::string> numbered_classes(int64_t count) {
  std::vector<std::string> names;
  for (int64_t i = 0; i < std::max<int64_t>(count, 2); ++i) names.push_back(std::to_string(i));
  return names;
}

}  // namespace

UsedWeights use_weights(const fs::path& run_or_file, const UseOptions& options, Device device) {
  UsedWeights used;
  const bool is_run = fs::is_directory(run_or_file);
  std::optional<RunFolder> run;
  if (is_run) run = RunFolder::open(run_or_file);
  if (!is_run && !fs::exists(run_or_file))
    fail(ErrorKind::data, run_or_file.string(), ": there is no such run or weights file");
  used.file = is_run ? file_of(*run, options.weights) : run_or_file;
  const Weights weights = load_weights(used.file);

  std::vector<std::string> settings = options.settings;
  if (!options.dtype.empty()) settings.push_back("train.dtype=" + options.dtype);
  if (is_run)
    used.recipe = read_recipe(run->recipe(), settings);
  else
    used.recipe =
        parse_recipe({weights.info.recipe, used.file.string(), fs::current_path()}, settings);
  if (!weights.info.model.empty()) {
    used.recipe.model.name = weights.info.model;
    used.recipe.model.options = weights.info.options;
  } else {
    LATHE_CHECK(!options.model.empty(), used.file.string(),
                ": does not name its model; say --model NAME (", list_text(model_names()), ")");
    used.recipe.model.name = options.model;
  }
  used.recipe.init = {};
  used.recipe.loss.pos_weight.automatic = false;
  used.classes =
      weights.info.classes.empty() ? numbered_classes(options.classes) : weights.info.classes;
  used.channels = weights.info.channels;
  used.positive = positive_class(used.recipe, used.classes);
  used.normalization = weights.info.normalization;
  used.epoch = weights.info.epoch;
  used.model = make_model(used.recipe, device);
  const LoadReport report = used.model->load_state_dict(weights.tensors, false);
  if (!report.fits())
    fail(ErrorKind::data, used.file.string(), ": the weights do not fit ", used.recipe.model.name,
         report.text());
  used.model->eval();
  return used;
}

std::shared_ptr<const Dataset> prepared(const UsedWeights& weights,
                                        std::shared_ptr<const Dataset> data,
                                        const std::string& file) {
  check_channels(*data, weights.channels, file);
  if (weights.normalization && weights.normalization->mean.numel() != data->channels())
    fail(ErrorKind::data, file, ": has ", data->channels(),
         " channels, but the weights were trained on ", weights.normalization->mean.numel());
  check_model_takes(*weights.model, *data, file);
  return normalized(std::move(data), weights.normalization);
}

std::shared_ptr<const Dataset> load_split(const UsedWeights& weights, const std::string& split) {
  return prepared(weights, with_classes(load_split(weights.recipe, split), weights.classes),
                  first_file(weights.recipe, split));
}

}  // namespace lathe
