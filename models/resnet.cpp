#include "models/resnet.h"

#include <algorithm>

#include "layers/pool2d.h"
#include "models/resnet_blocks.h"

namespace lathe {

ResNet::ResNet(const ResNetOptions& options)
    : first_layer_(options.first_layer),
      conv1_(unbiased(3, 64, 7, 2)),
      bn1_(64),
      fc_(options.bottleneck ? 2048 : 512, options.classifier) {
  LATHE_CHECK(options.blocks.size() == 4, "ResNet: expects the blocks of four layers, got ",
              options.blocks.size());
  LATHE_CHECK(first_layer_ >= 0 && first_layer_ <= 4, "ResNet: expects first_layer 0 to 4, got ",
              first_layer_);
  for (size_t i = 0; i < layers_.size(); ++i)
    add_layer(layers_[i], options, int64_t(64) << i, options.blocks[i], i == 0 ? 1 : 2);
}

void ResNet::add_layer(Sequential& layer, const ResNetOptions& options, int64_t planes,
                       int64_t blocks, int64_t stride) {
  const int64_t out = options.bottleneck ? 4 * planes : planes;
  const int64_t width = planes * options.group_width / 64 * options.groups;
  for (int64_t i = 0; i < blocks; ++i) {
    const int64_t step = i == 0 ? stride : 1;
    if (options.bottleneck)
      layer.add<Bottleneck>(channels_, width, out, step, options.groups);
    else
      layer.add<BasicBlock>(channels_, out, step);
    channels_ = out;
  }
}

Tensor ResNet::forward(const Tensor& x) {  // (N, H, W, 3)
  Tensor h = x;
  if (first_layer_ == 0) {
    h = conv_norm(conv1_, bn1_, h, kernels::Nonlinearity::relu);  // (N, H/2, W/2, 64)
    h = max_pool2d(h, {.kernel = 3, .stride = 2, .padding = 1});  // (N, H/4, W/4, 64)
  }
  // 256 channels, or 64 of basic blocks; then H/8, H/16, H/32, each with twice the channels.
  for (int64_t i = std::max<int64_t>(first_layer_, 1); i <= 4; ++i) h = layers_[size_t(i - 1)](h);
  return fc_(global_avg_pool(h));  // (N, num_classes)
}

void ResNet::visit(Visitor& visitor) {
  if (first_layer_ == 0) {
    visitor.child("conv1", conv1_);
    visitor.child("bn1", bn1_);
  }
  for (int64_t i = std::max<int64_t>(first_layer_, 1); i <= 4; ++i)
    visitor.child(concat("layer", i), layers_[size_t(i - 1)]);
  visitor.child("fc", fc_);
}

namespace {

std::unique_ptr<Module> make(ModelOptions& options, ResNetOptions resnet) {
  resnet.classifier = classifier_options(options);
  resnet.first_layer = options.integer("first_layer", 0, 0);
  return std::make_unique<ResNet>(resnet);
}

const bool registered[] = {
    register_model("resnet18",
                   [](ModelOptions& o) {
                     return make(o, {.blocks = {2, 2, 2, 2}, .bottleneck = false});
                   }),
    register_model("resnet34",
                   [](ModelOptions& o) {
                     return make(o, {.blocks = {3, 4, 6, 3}, .bottleneck = false});
                   }),
    register_model("resnet50", [](ModelOptions& o) { return make(o, {}); }),
    register_model("resnet101",
                   [](ModelOptions& o) {
                     return make(o, {.blocks = {3, 4, 23, 3}});
                   }),
    register_model("resnext50_32x4d",
                   [](ModelOptions& o) { return make(o, {.groups = 32, .group_width = 4}); }),
};

}  // namespace
}  // namespace lathe
