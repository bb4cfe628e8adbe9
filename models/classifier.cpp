#include "models/classifier.h"

#include "layers/dropout.h"
#include "layers/random_state.h"

namespace lathe {

ClassifierOptions classifier_options(ModelOptions& options, ClassifierOptions defaults) {
  return {.num_classes = options.integer("num_classes", defaults.num_classes),
          .hidden = options.integers("head", defaults.hidden),
          .dropout = options.probability("dropout", defaults.dropout)};
}

Classifier::Classifier(int64_t features, const ClassifierOptions& options)
    : dropout_(options.dropout) {
  for (int64_t size : options.hidden) {
    hidden_.push_back(std::make_unique<Linear>(features, size));
    features = size;
  }
  last_ = std::make_unique<Linear>(features, options.num_classes);
  if (dropout_ > 0) op_ = next_random_op();
}

Tensor Classifier::forward(const Tensor& x) {
  Tensor h = x;
  for (const auto& layer : hidden_) h = layer->forward_relu(h);
  if (training() && dropout_ > 0) h = dropout(h, dropout_, op_);
  return (*last_)(h);
}

void Classifier::visit(Visitor& visitor) {
  if (hidden_.empty()) return last_->visit(visitor);
  size_t i = 0;
  for (const auto& layer : hidden_) {
    visitor.child(std::to_string(i++), *layer);
    visitor.child(std::to_string(i++), relu_);
  }
  visitor.child(std::to_string(i), *last_);
}

}  // namespace lathe
