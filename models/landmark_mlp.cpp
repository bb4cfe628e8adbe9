#include "models/landmark_mlp.h"

#include "layers/flatten.h"
#include "models/registry.h"

namespace lathe {

LandmarkMlp::LandmarkMlp(const LandmarkMlpOptions& options)
    : body_({.inputs = options.inputs, .hidden = options.hidden, .outputs = 1, .dropout = 0}) {}

Tensor LandmarkMlp::forward(const Tensor& x) {
  const Tensor logits = body_.forward(x);  // (B, 1)
  return reshape(logits, {x.dim(0)});      // (B,)
}

namespace {
const bool registered =
    register_model("landmark_mlp", [](ModelOptions& options) -> std::unique_ptr<Module> {
      const LandmarkMlpOptions defaults;
      return std::make_unique<LandmarkMlp>(
          LandmarkMlpOptions{.inputs = options.integer("inputs", defaults.inputs),
                             .hidden = options.integers("hidden", defaults.hidden)});
    });
}  // namespace

}  // namespace lathe
