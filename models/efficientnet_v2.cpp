#include "models/efficientnet_v2.h"

#include <cmath>

#include "layers/init.h"
#include "layers/pool2d.h"

namespace lathe {
namespace {

constexpr auto act = kernels::Nonlinearity::silu;
using Block = EfficientNetV2Options::Block;
using Stage = EfficientNetV2Options::Stage;

void add_block(Sequential& stage, Block block, const EfficientNetBlockOptions& options) {
  if (block == Block::conv) stage.add<ConvBnAct>(options);
  if (block == Block::fused) stage.add<EdgeResidual>(options);
  if (block == Block::inverted) stage.add<InvertedResidual>(options);
}

int64_t last_channels(const std::vector<Stage>& stages) {
  LATHE_CHECK(!stages.empty(), "EfficientNetV2: expects stages, got none");
  return stages.back().channels;
}

}  // namespace

EfficientNetV2::EfficientNetV2(const EfficientNetV2Options& options)
    : conv_stem_(tf_conv(3, 24, 3, 2)),
      bn1_(24, tf_norm),
      conv_head_(tf_conv(last_channels(options.stages), 1280, 1)),
      bn2_(1280, tf_norm),
      classifier_(1280, options.classifier) {
  int64_t channels = 24, count = 0, built = 0;
  for (const Stage& stage : options.stages) count += stage.repeats;
  for (const Stage& stage : options.stages) {
    Sequential& blocks = blocks_.add<Sequential>();
    for (int64_t i = 0; i < stage.repeats; ++i) {
      add_block(blocks, stage.block,
                {.in = channels,
                 .out = stage.channels,
                 .stride = i == 0 ? stage.stride : 1,
                 .expansion = stage.expansion,
                 .drop_path = options.drop_path * double(built++) / double(count)});
      channels = stage.channels;
    }
  }
  if (!classifier_.is_linear()) return;  // a head of one's own begins as PyTorch's layers
  Linear& last = classifier_.last();
  const double bound = 1 / std::sqrt(double(last.out_features()));
  init_uniform_(last.weight, bound);
  last.bias = Tensor::zeros(last.bias.shape()).requires_grad_();
}

Tensor EfficientNetV2::forward(const Tensor& x) {  // (N, H, W, 3)
  Tensor h = conv_norm(conv_stem_, bn1_, x, act);  // (N, H/2, W/2, 24)
  h = blocks_(h);                                  // (N, H/32, W/32, channels of the last stage)
  h = conv_norm(conv_head_, bn2_, h, act);         // (N, H/32, W/32, 1280)
  return classifier_(global_avg_pool(h));          // (N, num_classes)
}

void EfficientNetV2::visit(Visitor& visitor) {
  visitor.child("conv_stem", conv_stem_);
  visitor.child("bn1", bn1_);
  visitor.child("blocks", blocks_);
  visitor.child("conv_head", conv_head_);
  visitor.child("bn2", bn2_);
  visitor.child("classifier", classifier_);
}

namespace {

std::unique_ptr<Module> make(ModelOptions& options, std::vector<Stage> stages) {
  return std::make_unique<EfficientNetV2>(
      EfficientNetV2Options{.stages = std::move(stages),
                            .classifier = classifier_options(options),
                            .drop_path = options.probability("drop_path", 0)});
}

const bool registered[] = {register_model("tf_efficientnetv2_s",
                                          [](ModelOptions& options) {
                                            return make(options,
                                                        {{Block::conv, 2, 24, 1, 1},
                                                         {Block::fused, 4, 48, 2, 4},
                                                         {Block::fused, 4, 64, 2, 4},
                                                         {Block::inverted, 6, 128, 2, 4},
                                                         {Block::inverted, 9, 160, 1, 6},
                                                         {Block::inverted, 15, 256, 2, 6}});
                                          }),
                           register_model("tf_efficientnetv2_m", [](ModelOptions& options) {
                             return make(options, {{Block::conv, 3, 24, 1, 1},
                                                   {Block::fused, 5, 48, 2, 4},
                                                   {Block::fused, 5, 80, 2, 4},
                                                   {Block::inverted, 7, 160, 2, 4},
                                                   {Block::inverted, 14, 176, 1, 6},
                                                   {Block::inverted, 18, 304, 2, 6},
                                                   {Block::inverted, 5, 512, 1, 6}});
                           })};

}  // namespace
}  // namespace lathe
