#include "apps/shared_options.h"

#include "tensor/check.h"

namespace lathe::apps {

std::vector<std::string> recipe_settings(std::vector<std::string> given,
                                         const CommonOptions& common) {
  if (common.seed) given.push_back(concat("train.seed=", *common.seed));
  if (!common.dtype.empty() && common.dtype != "f16")
    given.push_back("train.dtype=" + common.dtype);
  return given;
}

Command& add_use_options(Command& command, UseOptions& use) {
  return command.option("--model", use.model, "for weights that do not name theirs", "none")
      .option("--num-classes", use.classes, "of such a model", "as its outputs say")
      .settings(use.settings);
}

}  // namespace lathe::apps
