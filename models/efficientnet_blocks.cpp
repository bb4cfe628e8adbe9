#include "models/efficientnet_blocks.h"

#include <cmath>

namespace lathe {
namespace {
constexpr auto act = kernels::Nonlinearity::silu;
}  // namespace

Conv2dOptions tf_conv(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t groups) {
  return {.in_channels = in,
          .out_channels = out,
          .kernel = kernel,
          .stride = stride,
          .padding = same_padding,
          .groups = groups,
          .bias = false,
          .init_deviation = std::sqrt(2 * double(groups) / double(out * kernel * kernel))};
}

EfficientNetBlock::EfficientNetBlock(const EfficientNetBlockOptions& options)
    : residual_(options.in == options.out && options.stride == 1), drop_path_(options.drop_path) {}

Tensor EfficientNetBlock::project(Conv2d& conv, BatchNorm2d& norm, const Tensor& h,
                                  const Tensor& x) {
  if (residual_ && drop_path_.active()) return add_shortcut(conv_norm(conv, norm, h), x);
  return conv_norm(conv, norm, h, kernels::Nonlinearity::none, residual_ ? x : Tensor());
}

ConvBnAct::ConvBnAct(const EfficientNetBlockOptions& o)
    : EfficientNetBlock(o), conv_(tf_conv(o.in, o.out, 3, o.stride)), bn1_(o.out, tf_norm) {}

Tensor ConvBnAct::forward(const Tensor& x) {
  const Tensor h = conv_norm(conv_, bn1_, x, act);
  return is_residual() ? add_shortcut(h, x) : h;
}

void ConvBnAct::visit(Visitor& visitor) {
  visitor.child("conv", conv_);
  visitor.child("bn1", bn1_);
  visit_drop_path(visitor);
}

EdgeResidual::EdgeResidual(const EfficientNetBlockOptions& o)
    : EfficientNetBlock(o),
      conv_exp_(tf_conv(o.in, o.in * o.expansion, 3, o.stride)),
      bn1_(o.in * o.expansion, tf_norm),
      conv_pwl_(tf_conv(o.in * o.expansion, o.out, 1)),
      bn2_(o.out, tf_norm) {}

Tensor EdgeResidual::forward(const Tensor& x) {
  return project(conv_pwl_, bn2_, conv_norm(conv_exp_, bn1_, x, act), x);
}

void EdgeResidual::visit(Visitor& visitor) {
  visitor.child("conv_exp", conv_exp_);
  visitor.child("bn1", bn1_);
  visitor.child("conv_pwl", conv_pwl_);
  visitor.child("bn2", bn2_);
  visit_drop_path(visitor);
}

InvertedResidual::InvertedResidual(const EfficientNetBlockOptions& o)
    : EfficientNetBlock(o),
      conv_pw_(tf_conv(o.in, o.in * o.expansion, 1)),
      bn1_(o.in * o.expansion, tf_norm),
      conv_dw_(tf_conv(o.in * o.expansion, o.in * o.expansion, 3, o.stride, o.in * o.expansion)),
      bn2_(o.in * o.expansion, tf_norm),
      se_(o.in * o.expansion, o.in / 4),
      conv_pwl_(tf_conv(o.in * o.expansion, o.out, 1)),
      bn3_(o.out, tf_norm) {}

Tensor InvertedResidual::forward(const Tensor& x) {
  Tensor h = conv_norm(conv_pw_, bn1_, x, act);
  h = conv_norm(conv_dw_, bn2_, h, act);
  return project(conv_pwl_, bn3_, se_(h), x);
}

void InvertedResidual::visit(Visitor& visitor) {
  visitor.child("conv_pw", conv_pw_);
  visitor.child("bn1", bn1_);
  visitor.child("conv_dw", conv_dw_);
  visitor.child("bn2", bn2_);
  visitor.child("se", se_);
  visitor.child("conv_pwl", conv_pwl_);
  visitor.child("bn3", bn3_);
  visit_drop_path(visitor);
}

}  // namespace lathe
