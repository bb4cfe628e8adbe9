// [freeze] of a recipe: which parameters stay as they are.
#pragma once

#include "layers/module.h"
#include "train/recipe.h"

namespace lathe {

/// Takes the wish for a gradient from the parameters that [freeze] names, and keeps batch norms all
/// of whose parameters are frozen in evaluation, unless freeze.batch_norm is "update". Throws
/// Error(usage) for a pattern that names nothing, and when nothing is left to train.
void freeze(const Recipe& recipe, Module& model);

/// The elements of the parameters that are trained.
int64_t trained_count(Module& model);

}  // namespace lathe
