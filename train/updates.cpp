#include "train/updates.h"

#include <algorithm>

#include "layers/recompute.h"
#include "tensor/allocator.h"
#include "train/freeze.h"
#include "train/name_pattern.h"
#include "train/task.h"

namespace lathe {
namespace {

using Group = OptimizerOptions::Group;

/// The rate and decay of a parameter.
Group group_of(const Recipe::OptimizerKeys& keys, const NamedTensor& parameter) {
  Group own{keys.lr, keys.weight_decay};
  for (const ParameterGroup& group : keys.groups) {
    const auto named = [&](const std::string& pattern) { return names(pattern, parameter.name); };
    if (std::none_of(group.match.begin(), group.match.end(), named)) continue;
    own = {group.lr.value_or(keys.lr), group.weight_decay.value_or(keys.weight_decay)};
    break;
  }
  if (!keys.decay_norm_and_bias && parameter.tensor.rank() <= 1) own.weight_decay = 0;
  return own;
}

/// The parameters' groups, parameters of one rate and decay being of one; number 0 has the recipe's
/// own, even where no parameter has them.
std::vector<int> number_groups(const Recipe::OptimizerKeys& keys, Module& model,
                               OptimizerOptions& options) {
  std::vector<Group> groups = {{keys.lr, keys.weight_decay}};
  std::vector<int> numbers;
  for (const NamedTensor& p : model.named_parameters()) {
    const Group own = group_of(keys, p);
    auto found = std::find(groups.begin(), groups.end(), own);
    if (!p.tensor.requires_grad())
      found = groups.begin();
    else if (found == groups.end())
      found = groups.insert(found, own);
    numbers.push_back(int(found - groups.begin()));
  }
  options.groups.assign(groups.begin() + 1, groups.end());
  return numbers;
}

}  // namespace

std::string Updates::text() const {
  const OptimizerOptions& options = optimizer->options();
  if (options.groups.empty()) return "";
  std::string text;
  for (int g = 0; g < optimizer->groups(); ++g) {
    int64_t count = 0;
    for (const auto& slice : arena->slices())
      if (slice.group == g) count += slice.parameter.numel();
    const Group group =
        g == 0 ? Group{options.lr, options.weight_decay} : options.groups[size_t(g - 1)];
    text += concat("lr ", group.lr, ", weight_decay ", group.weight_decay, ": ", count,
                   " parameters\n");
  }
  return text;
}

Updates make_updates(const Recipe& recipe, Module& model) {
  freeze(recipe, model);
  const int64_t blocks = recipe.train.checkpoint_blocks ? recompute_blocks(model) : 1;
  LATHE_CHECK(blocks > 0, "train.checkpoint_blocks: ", recipe.model.name,
              " has no blocks; expects false");
  for (const ParameterGroup& group : recipe.optimizer.groups)
    check_names("optimizer.groups", group.match, model);
  OptimizerOptions options = optimizer_options(recipe);
  const std::vector<int> groups = number_groups(recipe.optimizer, model, options);
  Updates updates;
  updates.arena = std::make_unique<ParameterArena>(model.named_parameters(), groups);
  allocator(memory_of(updates.arena->values().device())).flush();  // of where they lay before
  updates.optimizer = std::make_unique<Optimizer>(*updates.arena, options);
  return updates;
}

std::vector<Schedule> make_schedules(const Recipe& recipe, const Optimizer& optimizer,
                                     int64_t steps_an_epoch) {
  std::vector<double> rates = {optimizer.options().lr};
  for (const Group& group : optimizer.options().groups) rates.push_back(group.lr);
  std::vector<Schedule> schedules;
  for (double rate : rates)
    schedules.emplace_back(schedule_options(recipe), rate, recipe.train.epochs, steps_an_epoch);
  return schedules;
}

}  // namespace lathe
