#include "train/task.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "data/features.h"
#include "data/folds.h"
#include "data/idx.h"
#include "data/joined.h"
#include "data/landmarks.h"
#include "layers/loss.h"
#include "layers/random_state.h"
#include "models/registry.h"
#include "tensor/check.h"
#include "tensor/suggest.h"

namespace lathe {
namespace {

const std::vector<SplitFiles>& files_of(const Recipe& recipe, const std::string& split) {
  if (split == "train" || (split == "valid" && recipe.data.folds > 0)) return recipe.data.train;
  if (split == "valid") return recipe.data.valid;
  LATHE_CHECK(split == "test", "split: expects train, valid or test, got '", split, "'",
              suggestion(split, {"train", "valid", "test"}));
  return recipe.data.test;
}

/// A dataset whose labels are numbers into another list of classes.
class RelabelledDataset final : public Dataset {
 public:
  RelabelledDataset(std::shared_ptr<const Dataset> data, std::vector<std::string> classes,
                    std::vector<int64_t> map)
      : data_(std::move(data)), classes_(std::move(classes)), map_(std::move(map)) {}
  int64_t size() const override { return data_->size(); }
  Shape sample_shape() const override { return data_->sample_shape(); }
  DType dtype() const override { return data_->dtype(); }
  int64_t channels() const override { return data_->channels(); }
  void fill(int64_t index, uint32_t epoch, void* to) const override {
    data_->fill(index, epoch, to);
  }
  int64_t label(int64_t index) const override {
    const int64_t label = data_->label(index);
    return label < 0 ? label : map_[size_t(label)];
  }
  const std::vector<std::string>& class_names() const override { return classes_; }
  std::vector<std::string> channel_names() const override { return data_->channel_names(); }
  std::string group(int64_t index) const override { return data_->group(index); }
  std::string source(int64_t index) const override { return data_->source(index); }

 private:
  std::shared_ptr<const Dataset> data_;
  std::vector<std::string> classes_;
  std::vector<int64_t> map_;
};

std::shared_ptr<const Dataset> load_idx(const Recipe& recipe,
                                        const std::vector<SplitFiles>& files) {
  std::vector<std::shared_ptr<const Dataset>> parts;
  for (const SplitFiles& one : files)
    parts.push_back(
        std::make_shared<IdxDataset>(one.images, one.labels, dtype_from_name(recipe.train.dtype)));
  return parts.size() == 1 ? parts[0] : std::make_shared<JoinedDataset>(std::move(parts));
}

std::shared_ptr<const Dataset> load_features(const Recipe& recipe,
                                             const std::vector<SplitFiles>& files) {
  std::vector<std::shared_ptr<const Dataset>> parts;
  for (const SplitFiles& one : files)
    parts.push_back(std::make_shared<FeatureDataset>(one.path.empty() ? one.features : one.path,
                                                     one.labels,
                                                     dtype_from_name(recipe.train.dtype)));
  return parts.size() == 1 ? parts[0] : std::make_shared<JoinedDataset>(std::move(parts));
}

std::shared_ptr<const Dataset> load_landmarks(const Recipe& recipe,
                                              const std::vector<SplitFiles>& files) {
  std::vector<LandmarkFiles> pairs;
  for (const SplitFiles& one : files) {
    const std::filesystem::path features = one.features;
    const std::string stem = features.stem().string();
    const bool makable = stem == "train" || stem == "valid" || stem == "test";
    if (makable && !std::filesystem::exists(features))
      fail(ErrorKind::data, one.features, ": there is no such file; `lathe data make landmarks ",
           features.parent_path().string(), "` makes synthetic ones");
    pairs.push_back({one.features, one.labels});
  }
  LandmarkOptions options;
  options.rows_per_sample = recipe.data.rows_per_sample;
  options.dtype = dtype_from_name(recipe.train.dtype);
  return read_landmarks(pairs, options);
}

/// The samples of data.fold, or all others; all samples where there are no folds.
std::shared_ptr<const Dataset> fold_of(const Recipe& recipe, std::shared_ptr<const Dataset> data,
                                       bool inside) {
  if (recipe.data.folds == 0) return data;
  const std::vector<int> folds =
      assign_folds(*data, recipe.data.folds, uint64_t(recipe.train.seed));
  std::vector<int64_t> indices;
  for (int64_t i = 0; i < data->size(); ++i)
    if ((folds[size_t(i)] == recipe.data.fold - 1) == inside) indices.push_back(i);
  return std::make_shared<SubsetDataset>(std::move(data), std::move(indices));
}

int64_t index_of(const std::vector<std::string>& names, const std::string& name) {
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? -1 : found - names.begin();
}

/// The same, else in letters of any case: REAL is real.
int64_t index_of_name(const std::vector<std::string>& names, const std::string& name) {
  const auto lower = [](std::string text) {
    for (char& c : text) c = char(std::tolower(static_cast<unsigned char>(c)));
    return text;
  };
  if (const int64_t exact = index_of(names, name); exact >= 0) return exact;
  const auto found = std::find_if(names.begin(), names.end(), [&](const std::string& one) {
    return lower(one) == lower(name);
  });
  return found == names.end() ? -1 : found - names.begin();
}

/// "0", "1", …: classes of which only the numbers are known.
bool are_numbers(const std::vector<std::string>& names) {
  for (size_t i = 0; i < names.size(); ++i)
    if (names[i] != std::to_string(i)) return false;
  return true;
}

}  // namespace

bool has_split(const Recipe& recipe, const std::string& split) {
  return !files_of(recipe, split).empty();
}

std::vector<std::string> split_names(const Recipe& recipe) {
  std::vector<std::string> names;
  for (const char* split : {"train", "valid", "test"})
    if (has_split(recipe, split)) names.push_back(split);
  return names;
}

std::string first_file(const Recipe& recipe, const std::string& split) {
  const std::vector<SplitFiles>& files = files_of(recipe, split);
  if (files.empty()) return "data." + split;
  if (!files[0].path.empty()) return files[0].path;
  return recipe.data.kind == "idx" ? files[0].images : files[0].features;
}

std::shared_ptr<const Dataset> load_split(const Recipe& recipe, const std::string& split,
                                          Stage stage, std::vector<std::string>* left_out) {
  const std::vector<SplitFiles>& files = files_of(recipe, split);
  LATHE_CHECK(!files.empty(), recipe.file, ": data.", split, " names no files");
  const std::string& kind = recipe.data.kind;
  std::shared_ptr<const Dataset> data;
  if (kind == "images")
    data = image_dataset(recipe, list_split(recipe, split), stage, left_out);
  else
    data = kind == "idx"        ? load_idx(recipe, files)
           : kind == "features" ? load_features(recipe, files)
                                : load_landmarks(recipe, files);
  if (data->size() == 0) fail(ErrorKind::data, first_file(recipe, split), ": has no sample");
  return split == "test" ? data : fold_of(recipe, std::move(data), split == "valid");
}

ImageList list_split(const Recipe& recipe, const std::string& split) {
  std::vector<std::filesystem::path> sources;
  for (const SplitFiles& one : files_of(recipe, split)) sources.emplace_back(one.path);
  ImageListOptions options;
  options.class_patterns = recipe.data.class_patterns;
  options.group = recipe.data.group;
  options.split = split;
  options.must_exist = recipe.data.on_error == "stop";
  return list_images(sources, options);
}

std::shared_ptr<const ImageDataset> image_dataset(const Recipe& recipe, ImageList list, Stage stage,
                                                  std::vector<std::string>* left_out) {
  ImageDatasetOptions options;
  options.dtype = dtype_from_name(recipe.train.dtype);
  options.seed = uint64_t(recipe.train.seed);
  options.cache_bytes = recipe.data.cache_mb * 1'000'000;
  options.skip_damaged = recipe.data.on_error == "skip";
  const bool train = stage == Stage::train;
  Pipeline pipeline(train ? recipe.transform.train.json : recipe.transform.eval.json,
                    train ? "transform.train" : "transform.eval");
  auto data = std::make_shared<ImageDataset>(std::move(list), std::move(pipeline), options);
  if (left_out) left_out->insert(left_out->end(), data->skipped().begin(), data->skipped().end());
  return data;
}

void check_splits(const Recipe& recipe) {
  if (recipe.data.kind != "images") return;
  std::vector<std::pair<std::string, ImageList>> lists;
  for (const std::string& split : split_names(recipe)) {
    if (split == "valid" && recipe.data.folds > 0) continue;
    ImageList list = list_split(recipe, split);
    for (const auto& [name, other] : lists)
      check_disjoint(other, "data." + name, list, "data." + split);
    lists.emplace_back(split, std::move(list));
  }
}

std::vector<std::string> class_names(const Recipe& recipe, const Dataset& train) {
  return recipe.data.classes.empty() ? train.class_names() : recipe.data.classes;
}

std::shared_ptr<const Dataset> with_classes(std::shared_ptr<const Dataset> data,
                                            const std::vector<std::string>& classes) {
  const std::vector<std::string>& own = data->class_names();
  std::vector<int64_t> map;
  size_t known = 0;
  for (size_t i = 0; i < own.size(); ++i) {
    map.push_back(index_of_name(classes, own[i]));
    known += map.back() >= 0;
  }
  if (known == 0 && are_numbers(own) && own.size() <= classes.size())  // these have no names yet
    for (size_t i = 0; i < own.size(); ++i) map[i] = int64_t(i);
  else if (known < own.size())
    fail(ErrorKind::data, "data.classes: expects names for all of the data's classes ",
         list_text(own), ", got ", list_text(classes));
  return std::make_shared<RelabelledDataset>(std::move(data), classes, std::move(map));
}

int64_t positive_class(const Recipe& recipe, const std::vector<std::string>& classes) {
  if (recipe.data.positive.empty()) return 1;
  const int64_t index = index_of(classes, recipe.data.positive);
  LATHE_CHECK(index >= 0, "data.positive: there is no class '", recipe.data.positive, "'; expects ",
              list_text(classes));
  return index;
}

std::optional<Normalization> measure(const Recipe& recipe, const Dataset& train) {
  if (recipe.data.normalize != "standard") return std::nullopt;
  return measure_normalization(train);
}

std::shared_ptr<const Dataset> normalized(std::shared_ptr<const Dataset> data,
                                          const std::optional<Normalization>& normalization) {
  if (!normalization) return data;
  return std::make_shared<NormalizedDataset>(std::move(data), *normalization);
}

std::string resolve_pos_weight(Recipe& recipe, const Dataset& train) {
  NumberOrAuto& weight = recipe.loss.pos_weight;
  if (recipe.loss.name != "bce_with_logits") return "";
  const std::vector<int64_t> counts = class_counts(train);
  const bool two = counts.size() == 2, both = two && counts[0] > 0 && counts[1] > 0;
  if (weight.automatic) {
    LATHE_CHECK(two, "loss.pos_weight: \"auto\" expects two classes, the data have ",
                counts.size());
    if (!both)
      fail(ErrorKind::data, "loss.pos_weight: \"auto\" expects samples of both classes, got ",
           counts[0], " and ", counts[1]);
    weight = {double(counts[0]) / double(counts[1]), false};
    return "";
  }
  if (!both) return "";
  const double balance = double(counts[0]) / double(counts[1]), log_balance = std::log(balance),
               log_weight = std::log(weight.value),
               nearer = std::abs(log_weight - log_balance) - std::abs(log_weight + log_balance);
  if (nearer < std::log(1.5)) return "";
  return concat("warning: loss.pos_weight = ", weight.value,
                " is near positives / negatives = ", 1 / balance,
                "; the weight of class 1 that balances them is negatives / positives = ", balance,
                ", which \"auto\" takes");
}

std::unique_ptr<Module> make_model(const Recipe& recipe, Device device) {
  manual_seed(uint64_t(recipe.train.seed));
  auto model = create_model(recipe.model.name, recipe.model.options);
  model->to(dtype_from_name(recipe.train.dtype));
  model->to(device);
  return model;
}

LossFunction make_loss(const Recipe& recipe, int64_t classes, Device device) {
  const std::string model = recipe.model.name;
  if (recipe.loss.name == "bce_with_logits") {
    LATHE_CHECK(classes == 2, "loss: bce_with_logits expects two classes, the data have ", classes,
                "; use cross_entropy");
    return [model, weight = recipe.loss.pos_weight.value](const Tensor& y, const Tensor& labels) {
      LATHE_CHECK(y.numel() == labels.numel(), "loss: bce_with_logits expects one logit a sample, ",
                  model, " gives ", y.shape(), "; use cross_entropy");
      return bce_with_logits(y, labels, weight);
    };
  }
  CrossEntropyOptions options;
  options.label_smoothing = recipe.loss.label_smoothing;
  if (const std::vector<double>& weights = recipe.loss.class_weights; !weights.empty()) {
    LATHE_CHECK(int64_t(weights.size()) == classes, "loss.class_weights: expects ", classes,
                " numbers, one a class, got ", weights.size());
    options.class_weights =
        Tensor::from(weights, {classes}).to(dtype_from_name(recipe.train.dtype)).to(device);
  }
  return [model, options, classes](const Tensor& y, const Tensor& labels) {
    LATHE_CHECK(y.rank() == 2 && y.dim(1) == classes,
                "loss: cross_entropy expects a logit for each of ", classes, " classes, ", model,
                " gives ", y.shape());
    return cross_entropy(y, labels, options);
  };
}

std::vector<double> loss_class_weights(const Recipe& recipe) {
  return recipe.loss.name == "cross_entropy" ? recipe.loss.class_weights : std::vector<double>();
}

OptimizerOptions optimizer_options(const Recipe& recipe) {
  const Recipe::OptimizerKeys& keys = recipe.optimizer;
  OptimizerOptions options;
  options.rule = keys.name == "sgd"     ? kernels::UpdateRule::sgd
                 : keys.name == "adamw" ? kernels::UpdateRule::adamw
                                        : kernels::UpdateRule::adam;
  options.lr = keys.lr;
  options.beta1 = keys.betas[0];
  options.beta2 = keys.betas[1];
  options.eps = keys.eps;
  options.weight_decay = keys.weight_decay;
  options.momentum = keys.momentum;
  options.nesterov = keys.nesterov;
  options.clip_norm = recipe.train.clip_norm;
  options.l1 = recipe.train.l1;
  return options;
}

ScheduleOptions schedule_options(const Recipe& recipe) {
  static const std::map<std::string, ScheduleKind> kinds = {
      {"constant", ScheduleKind::constant},   {"step", ScheduleKind::step},
      {"multistep", ScheduleKind::multistep}, {"cosine", ScheduleKind::cosine},
      {"plateau", ScheduleKind::plateau},     {"one_cycle", ScheduleKind::one_cycle}};
  ScheduleOptions options = recipe.schedule;
  options.kind = kinds.at(recipe.schedule.name);
  return options;
}

}  // namespace lathe
