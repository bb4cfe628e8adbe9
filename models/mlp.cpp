#include "models/mlp.h"

#include "layers/dropout.h"
#include "layers/flatten.h"
#include "layers/random_state.h"
#include "models/registry.h"

namespace lathe {

Mlp::Mlp(const MlpOptions& options) : dropout_(options.dropout) {
  int64_t features = options.inputs;
  for (int64_t size : options.hidden) {
    layers_.push_back(std::make_unique<Linear>(features, size));
    features = size;
  }
  layers_.push_back(std::make_unique<Linear>(features, options.outputs));
  if (dropout_ > 0)
    for (size_t i = 0; i < layers_.size(); ++i) ops_.push_back(next_random_op());
}

Tensor Mlp::dropped(const Tensor& x, size_t layer) const {
  return training() && dropout_ > 0 ? dropout(x, dropout_, ops_[layer]) : x;
}

Tensor Mlp::forward(const Tensor& x) {
  Tensor h = x.rank() > 2 ? flatten(x, 1) : x;  // (B, inputs)
  const size_t last = layers_.size() - 1;
  for (size_t i = 0; i < last; ++i) h = layers_[i]->forward_relu(dropped(h, i));  // (B, hidden)
  return (*layers_.back())(dropped(h, last));                                     // (B, outputs)
}

void Mlp::visit(Visitor& visitor) {
  for (size_t i = 0; i < layers_.size(); ++i) visitor.child(concat("fc", i + 1), *layers_[i]);
}

namespace {
const bool registered = register_model("mlp", [](ModelOptions& options) -> std::unique_ptr<Module> {
  const MlpOptions defaults;
  return std::make_unique<Mlp>(MlpOptions{.inputs = options.integer("inputs", defaults.inputs),
                                          .hidden = options.integers("hidden", defaults.hidden),
                                          .outputs = options.integer("outputs", defaults.outputs),
                                          .dropout = options.probability("dropout", 0)});
});
}  // namespace

}  // namespace lathe
