#include "models/resnet.h"

#include "layers/pool2d.h"
#include "models/resnet_blocks.h"

namespace lathe {

ResNet::ResNet(const ResNetOptions& options)
    : conv1_(unbiased(3, 64, 7, 2)),
      bn1_(64),
      fc_(options.bottleneck ? 2048 : 512, options.classifier) {
  LATHE_CHECK(options.blocks.size() == 4, "ResNet: expects the blocks of four layers, got ",
              options.blocks.size());
  add_layer(layer1_, options, 64, options.blocks[0], 1);
  add_layer(layer2_, options, 128, options.blocks[1], 2);
  add_layer(layer3_, options, 256, options.blocks[2], 2);
  add_layer(layer4_, options, 512, options.blocks[3], 2);
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

Tensor ResNet::forward(const Tensor& x) {                              // (N, H, W, 3)
  Tensor h = conv_norm(conv1_, bn1_, x, kernels::Nonlinearity::relu);  // (N, H/2, W/2, 64)
  h = max_pool2d(h, {.kernel = 3, .stride = 2, .padding = 1});         // (N, H/4, W/4, 64)
  h = layer1_(h);                                                      // 256 channels, or 64
  h = layer2_(h);                                                      // H/8
  h = layer3_(h);                                                      // H/16
  h = layer4_(h);                                                      // H/32
  return fc_(global_avg_pool(h));                                      // (N, num_classes)
}

void ResNet::visit(Visitor& visitor) {
  visitor.child("conv1", conv1_);
  visitor.child("bn1", bn1_);
  visitor.child("layer1", layer1_);
  visitor.child("layer2", layer2_);
  visitor.child("layer3", layer3_);
  visitor.child("layer4", layer4_);
  visitor.child("fc", fc_);
}

namespace {

std::unique_ptr<Module> make(ModelOptions& options, ResNetOptions resnet) {
  resnet.classifier = classifier_options(options);
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
