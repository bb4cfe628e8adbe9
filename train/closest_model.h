// Which registered model weights belong to, for the answer to weights that do not fit.
#pragma once

#include <string>
#include <vector>

#include "layers/module.h"

namespace lathe {

/// "; they look like resnet50's (318 of its 320 tensors fit)" for the registered model with whose
/// names and sizes most of the tensors agree; nothing when less than a third do with any.
std::string closest_model(const std::vector<NamedTensor>& tensors);

}  // namespace lathe
