#include "models/mlp.h"

#include "layers/flatten.h"
#include "models/registry.h"

namespace lathe {

Mlp::Mlp(const MlpOptions& options) {
  int64_t features = options.inputs;
  for (int64_t size : options.hidden) {
    layers_.push_back(std::make_unique<Linear>(features, size));
    features = size;
  }
  layers_.push_back(std::make_unique<Linear>(features, options.outputs));
}

Tensor Mlp::forward(const Tensor& x) {
  Tensor h = x;  // (B, …)
  if (x.rank() > 2) h = reshape(x, {x.dim(0), x.shape().part(1, x.rank()).numel()});
  for (size_t i = 0; i + 1 < layers_.size(); ++i) h = layers_[i]->forward_relu(h);  // (B, hidden)
  return (*layers_.back())(h);                                                      // (B, outputs)
}

void Mlp::visit(Visitor& visitor) {
  for (size_t i = 0; i < layers_.size(); ++i) visitor.child(concat("fc", i + 1), *layers_[i]);
}

namespace {
const bool registered = register_model("mlp", [](ModelOptions& options) -> std::unique_ptr<Module> {
  const MlpOptions defaults;
  return std::make_unique<Mlp>(MlpOptions{.inputs = options.integer("inputs", defaults.inputs),
                                          .hidden = options.integers("hidden", defaults.hidden),
                                          .outputs = options.integer("outputs", defaults.outputs)});
});
}  // namespace

}  // namespace lathe
