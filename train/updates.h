// How a recipe trains a model: what is frozen, which blocks recompute, and its parameters in groups
// of one learning rate and decay, in one arena with the optimiser over it.
#pragma once

#include <memory>
#include <string>

#include "optim/optimizer.h"
#include "optim/schedule.h"
#include "train/recipe.h"

namespace lathe {

struct Updates {
  std::unique_ptr<ParameterArena> arena;
  std::unique_ptr<Optimizer> optimizer;

  /// The groups with their rates, a line each, for people; empty where all are updated alike.
  std::string text() const;
};

/// Prepares the model as [freeze], [optimizer] and train.checkpoint_blocks say, and makes its arena
/// and optimiser. Throws Error(usage) for a pattern that names no parameter, when nothing is left
/// to train, and when the model has no blocks that could recompute.
Updates make_updates(const Recipe& recipe, Module& model);

/// A schedule for each of the optimiser's groups.
std::vector<Schedule> make_schedules(const Recipe& recipe, const Optimizer& optimizer,
                                     int64_t steps_an_epoch);

}  // namespace lathe
