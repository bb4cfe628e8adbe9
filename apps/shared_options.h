// Options that several commands have, and what they come to.
#pragma once

#include <string>
#include <vector>

#include "apps/command.h"
#include "train/used_weights.h"

namespace lathe::apps {

/// --seed and --dtype as settings of a recipe like any other, which win over `given`, those of
/// --set. f16 is none: it is what is written, not computed.
std::vector<std::string> recipe_settings(std::vector<std::string> given,
                                         const CommonOptions& common);

/// --model, --num-classes and --set, for commands that use weights.
Command& add_use_options(Command& command, UseOptions& use);

}  // namespace lathe::apps
