#include "train/used_weights.h"

#include <algorithm>
#include <cmath>

#include "layers/init.h"
#include "models/registry.h"
#include "tensor/check.h"
#include "tensor/suggest.h"
#include "train/check_data.h"
#include "train/load_model.h"
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

/// Refuses options about what the weights say themselves.
void check_options(const UseOptions& options, const WeightsInfo& info, const std::string& file) {
  LATHE_CHECK(!options.classes || *options.classes >= 2, "--num-classes: expects at least 2, got ",
              *options.classes);
  LATHE_CHECK(
      !options.classes || info.classes.empty() || *options.classes == int64_t(info.classes.size()),
      "--num-classes ", *options.classes, ": ", file, " names its ", info.classes.size(),
      " classes itself");
  for (const std::string& setting : options.settings)
    LATHE_CHECK(!setting.starts_with("data.classes=") || info.classes.empty(), "--set ", setting,
                ": ", file, " names its classes itself");
  if (info.model.empty()) return;
  LATHE_CHECK(options.model.empty() || model_name(options.model) == info.model, "--model ",
              options.model, ": ", file, " names its model itself, ", info.model);
  for (const std::string& setting : options.settings)
    LATHE_CHECK(!setting.starts_with("model."), "--set ", setting, ": ", file,
                " names its model and its options itself");
}

/// Names for the classes where there are none, and a check of those there are.
void resolve_classes(UsedWeights& used, int64_t outputs) {
  const int64_t classes = outputs == 1 ? 2 : outputs;
  LATHE_CHECK(!used.wanted_classes || *used.wanted_classes == classes,
              "--num-classes: ", used.recipe.model.name, " has ", outputs, " outputs, for ",
              classes, " classes, got ", *used.wanted_classes);
  if (used.classes.empty())
    for (int64_t i = 0; i < classes; ++i) used.classes.push_back(std::to_string(i));
  if (used.class_count() != classes)
    fail(ErrorKind::data, used.file.string(), ": names ", used.class_count(), " classes, but ",
         used.recipe.model.name, " has ", outputs, " outputs, for ", classes);
  used.positive = positive_class(used.recipe, used.classes);
  if (!used.has_recipe && outputs > 1) used.recipe.loss.name = "cross_entropy";
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
  used.notes = weights.notes;
  check_options(options, weights.info, used.file.string());

  if (is_run)
    used.recipe = read_recipe(run->recipe(), options.settings);
  else
    used.recipe = parse_recipe({weights.info.recipe, used.file.string(), fs::current_path()},
                               options.settings);
  if (!weights.info.model.empty()) {
    used.recipe.model.name = weights.info.model;
    used.recipe.model.options = weights.info.options;
  } else {
    LATHE_CHECK(!options.model.empty(), used.file.string(),
                ": does not name its model; say --model NAME (", list_text(model_names()), ")");
    used.recipe.model.name = model_name(options.model);
  }
  used.recipe.init = {};
  used.recipe.loss.pos_weight.automatic = false;
  used.has_recipe = is_run || !weights.info.recipe.empty();
  used.classes = weights.info.classes;
  used.wanted_classes = options.classes;
  used.channels = weights.info.channels;
  used.normalization = weights.info.normalization;
  used.epoch = weights.info.epoch;
  {
    const NoInitialValues all_are_loaded;
    used.model = make_model(used.recipe, device);
  }
  load_weights_into(*used.model, used.recipe.model.name, weights.tensors, used.file.string());
  used.model->inference();
  return used;
}

std::shared_ptr<const Dataset> prepared(UsedWeights& weights, std::shared_ptr<const Dataset> data,
                                        const std::string& file) {
  check_channels(*data, weights.channels, file);
  if (weights.normalization && weights.normalization->mean.numel() != data->channels())
    fail(ErrorKind::data, file, ": has ", data->channels(),
         " channels, but the weights were trained on ", weights.normalization->mean.numel());
  resolve_classes(weights, check_model_takes(*weights.model, *data, file));
  return normalized(std::move(data), weights.normalization);
}

std::shared_ptr<const Dataset> load_split(UsedWeights& weights, const std::string& split) {
  auto data = prepared(weights, load_split(weights.recipe, split, Stage::eval, &weights.left_out),
                       first_file(weights.recipe, split));
  return with_classes(std::move(data), weights.classes);
}

void check_finite(const UsedWeights& weights, const Tensor& outputs, const std::string& what,
                  int64_t begin) {
  const std::vector<double> values = outputs.to_vector<double>();
  const auto bad = std::find_if(values.begin(), values.end(),
                                [](double value) { return !std::isfinite(value); });
  if (bad == values.end()) return;
  const int64_t width = int64_t(values.size()) / outputs.dim(0);
  const auto text = [](double value) { return std::isnan(value) ? "nan" : "inf"; };
  std::string blame;
  for (const NamedTensor& p : weights.model->named_parameters())
    for (double value : p.tensor.to_vector<double>())
      if (blame.empty() && !std::isfinite(value))
        blame = concat(": the parameter ", p.name, " has ", text(value));
  fail(ErrorKind::numeric, weights.file.string(), ": the output for sample ",
       begin + (bad - values.begin()) / width, " of ", what, " is ", text(*bad), blame);
}

}  // namespace lathe
