#include "models/efficientnet_lite.h"

#include "layers/conv_norm.h"
#include "layers/drop_path.h"
#include "layers/pool2d.h"

namespace lathe {
namespace {

constexpr auto act = kernels::Nonlinearity::relu6;
constexpr BatchNormOptions norm{.eps = 1e-3, .momentum = 0.01};

Conv2dOptions conv(int64_t in, int64_t out, int64_t kernel, int64_t stride = 1,
                   int64_t groups = 1) {
  return {.in_channels = in,
          .out_channels = out,
          .kernel = kernel,
          .stride = stride,
          .padding = same_padding,
          .groups = groups,
          .bias = false};
}

struct BlockOptions {
  int64_t in, out, kernel, stride, expansion;
  double drop_path;
};

/// 1x1 convolution to more channels unless the expansion is 1, a convolution on each of them, 1x1
/// back.
class MBConvBlock final : public Module {
 public:
  explicit MBConvBlock(const BlockOptions& o)
      : depthwise_conv_(
            conv(o.in * o.expansion, o.in * o.expansion, o.kernel, o.stride, o.in * o.expansion)),
        bn1_(o.in * o.expansion, norm),
        project_conv_(conv(o.in * o.expansion, o.out, 1)),
        bn2_(o.out, norm),
        residual_(o.in == o.out && o.stride == 1),
        drop_path_(o.drop_path) {
    if (o.expansion == 1) return;
    expand_conv_ = std::make_unique<Conv2d>(conv(o.in, o.in * o.expansion, 1));
    bn0_ = std::make_unique<BatchNorm2d>(o.in * o.expansion, norm);
  }

  Tensor forward(const Tensor& x) override {
    Tensor h = expand_conv_ ? conv_norm(*expand_conv_, *bn0_, x, act) : x;
    h = conv_norm(depthwise_conv_, bn1_, h, act);
    if (residual_ && drop_path_.active())
      return drop_path_.add_to(x, conv_norm(project_conv_, bn2_, h));
    return conv_norm(project_conv_, bn2_, h, kernels::Nonlinearity::none, residual_ ? x : Tensor());
  }

  void visit(Visitor& visitor) override {
    if (expand_conv_) {
      visitor.child("_expand_conv", *expand_conv_);
      visitor.child("_bn0", *bn0_);
    }
    visitor.child("_depthwise_conv", depthwise_conv_);
    visitor.child("_bn1", bn1_);
    visitor.child("_project_conv", project_conv_);
    visitor.child("_bn2", bn2_);
    visitor.child("_drop_connect", drop_path_);
  }
  std::string kind() const override { return "MBConvBlock"; }
  bool is_block() const override { return true; }

 private:
  std::unique_ptr<Conv2d> expand_conv_;
  std::unique_ptr<BatchNorm2d> bn0_;
  Conv2d depthwise_conv_;
  BatchNorm2d bn1_;
  Conv2d project_conv_;
  BatchNorm2d bn2_;
  bool residual_;
  DropPath drop_path_;
};

struct Stage {
  int64_t repeats, kernel, stride, expansion, channels;
};
constexpr Stage stages[] = {{1, 3, 1, 1, 16}, {2, 3, 2, 6, 24},  {2, 5, 2, 6, 40},
                            {3, 3, 2, 6, 80}, {3, 5, 1, 6, 112}, {4, 5, 2, 6, 192},
                            {1, 3, 1, 6, 320}};

}  // namespace

EfficientNetLite::EfficientNetLite(const EfficientNetLiteOptions& options)
    : conv_stem_(conv(3, 32, 3, 2)),
      bn0_(32, norm),
      conv_head_(conv(320, 1280, 1)),
      bn1_(1280, norm),
      fc_(1280, options.classifier) {
  int64_t channels = 32, count = 0;
  for (const Stage& stage : stages) count += stage.repeats;
  for (const Stage& stage : stages)
    for (int64_t i = 0; i < stage.repeats; ++i) {
      const double drop_path = options.drop_path * double(blocks_.size()) / double(count);
      blocks_.add<MBConvBlock>(BlockOptions{channels, stage.channels, stage.kernel,
                                            i == 0 ? stage.stride : 1, stage.expansion, drop_path});
      channels = stage.channels;
    }
}

Tensor EfficientNetLite::forward(const Tensor& x) {  // (N, H, W, 3)
  Tensor h = conv_norm(conv_stem_, bn0_, x, act);    // (N, H/2, W/2, 32)
  h = blocks_(h);                                    // (N, H/32, W/32, 320)
  h = conv_norm(conv_head_, bn1_, h, act);           // (N, H/32, W/32, 1280)
  return fc_(global_avg_pool(h));                    // (N, num_classes)
}

void EfficientNetLite::visit(Visitor& visitor) {
  visitor.child("_conv_stem", conv_stem_);
  visitor.child("_bn0", bn0_);
  visitor.child("_blocks", blocks_);
  visitor.child("_conv_head", conv_head_);
  visitor.child("_bn1", bn1_);
  visitor.child("_fc", fc_);
}

namespace {
const bool registered =
    register_model("efficientnet_lite0", [](ModelOptions& options) -> std::unique_ptr<Module> {
      const EfficientNetLiteOptions defaults;
      return std::make_unique<EfficientNetLite>(EfficientNetLiteOptions{
          .classifier = classifier_options(options, defaults.classifier),
          .drop_path = options.probability("drop_path", defaults.drop_path)});
    });
}  // namespace

}  // namespace lathe
