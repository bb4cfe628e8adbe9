#include "train/task.h"

#include <cmath>
#include <map>

#include "layers/loss.h"
#include "layers/random_state.h"
#include "models/registry.h"
#include "tensor/check.h"

namespace lathe {

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
