#include "models/small_cnn.h"

#include "layers/pool2d.h"
#include "models/registry.h"
#include "models/resnet_blocks.h"

namespace lathe {

SmallCnn::SmallCnn(const ClassifierOptions& options)
    : convs_{Conv2d(unbiased(3, 16, 3)), Conv2d(unbiased(16, 32, 3)), Conv2d(unbiased(32, 64, 3)),
             Conv2d(unbiased(64, 128, 3))},
      norms_{BatchNorm2d(16), BatchNorm2d(32), BatchNorm2d(64), BatchNorm2d(128)},
      fc_(128, options) {}

Tensor SmallCnn::forward(const Tensor& x) {
  Tensor h = x;
  for (size_t i = 0; i < convs_.size(); ++i)
    h = max_pool2d(conv_norm(convs_[i], norms_[i], h, kernels::Nonlinearity::relu), {.kernel = 2});
  return fc_(global_avg_pool(h));
}

void SmallCnn::visit(Visitor& visitor) {
  for (size_t i = 0; i < convs_.size(); ++i) {
    visitor.child("conv" + std::to_string(i + 1), convs_[i]);
    visitor.child("bn" + std::to_string(i + 1), norms_[i]);
  }
  visitor.child("fc", fc_);
}

namespace {

const bool registered =
    register_model("small_cnn", [](ModelOptions& options) -> std::unique_ptr<Module> {
      return std::make_unique<SmallCnn>(classifier_options(options, {.num_classes = 2}));
    });

}  // namespace

}  // namespace lathe
