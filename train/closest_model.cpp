#include "train/closest_model.h"

#include <map>

#include "layers/init.h"
#include "models/registry.h"
#include "train/no_calls.h"

namespace lathe {

std::string closest_model(const std::vector<NamedTensor>& tensors) {
  std::map<std::string, int64_t> sizes;
  for (const NamedTensor& t : tensors) sizes[t.name] = t.tensor.numel();
  const NoCalls shapes_alone;
  const NoInitialValues not_initialised;
  double best = 1.0 / 3;
  std::string text;
  for (const std::string& name : model_names()) {
    const auto model = create_model(name);
    const auto own = model->state_dict();
    size_t fitting = 0;
    for (const NamedTensor& t : own) {
      const auto found = sizes.find(t.name);
      fitting += found != sizes.end() && found->second == t.tensor.numel();
    }
    const double score = 2 * double(fitting) / double(own.size() + sizes.size());
    if (score <= best) continue;
    best = score;
    text =
        concat("; they look like ", name, "'s (", fitting, " of its ", own.size(), " tensors fit)");
  }
  return text;
}

}  // namespace lathe
