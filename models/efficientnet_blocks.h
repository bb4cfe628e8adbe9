// timm's blocks of EfficientNetV2, with its names. All are y = shortcut + f(x) where input and
// result have one shape, with stochastic depth for f.
#pragma once

#include "layers/conv_norm.h"
#include "layers/drop_path.h"
#include "layers/squeeze_excite.h"

namespace lathe {

struct EfficientNetBlockOptions {
  int64_t in = 1, out = 1, stride = 1;
  int64_t expansion = 1;  ///< channels inside the block, in inputs
  double drop_path = 0;
};

/// What the blocks have in common: how they end.
class EfficientNetBlock : public Module {
 public:
  bool is_block() const final { return true; }

 protected:
  explicit EfficientNetBlock(const EfficientNetBlockOptions& options);
  /// Whether y has x's shape, and x is added.
  bool is_residual() const { return residual_; }
  /// norm(conv(h)), and x added to it where that is so.
  Tensor project(Conv2d& conv, BatchNorm2d& norm, const Tensor& h, const Tensor& x);
  Tensor add_shortcut(const Tensor& h, const Tensor& x) { return drop_path_.add_to(x, h); }
  void visit_drop_path(Visitor& visitor) { visitor.child("drop_path", drop_path_); }

 private:
  bool residual_;
  DropPath drop_path_;
};

/// ConvBnAct: 3x3 convolution, batch norm, SiLU.
class ConvBnAct final : public EfficientNetBlock {
 public:
  explicit ConvBnAct(const EfficientNetBlockOptions& options);
  Tensor forward(const Tensor& x) override;
  void visit(Visitor& visitor) override;
  std::string kind() const override { return "ConvBnAct"; }

 private:
  Conv2d conv_;
  BatchNorm2d bn1_;
};

/// EdgeResidual, the fused MBConv: 3x3 convolution to more channels, 1x1 back.
class EdgeResidual final : public EfficientNetBlock {
 public:
  explicit EdgeResidual(const EfficientNetBlockOptions& options);
  Tensor forward(const Tensor& x) override;
  void visit(Visitor& visitor) override;
  std::string kind() const override { return "EdgeResidual"; }

 private:
  Conv2d conv_exp_;
  BatchNorm2d bn1_;
  Conv2d conv_pwl_;
  BatchNorm2d bn2_;
};

/// InvertedResidual, the MBConv: 1x1 convolution to more channels, 3x3 on each of them,
/// squeeze-and-excitation to a quarter of the input's channels, 1x1 back.
class InvertedResidual final : public EfficientNetBlock {
 public:
  explicit InvertedResidual(const EfficientNetBlockOptions& options);
  Tensor forward(const Tensor& x) override;
  void visit(Visitor& visitor) override;
  std::string kind() const override { return "InvertedResidual"; }

 private:
  Conv2d conv_pw_;
  BatchNorm2d bn1_;
  Conv2d conv_dw_;
  BatchNorm2d bn2_;
  SqueezeExcite se_;
  Conv2d conv_pwl_;
  BatchNorm2d bn3_;
};

/// A convolution without bias and with TensorFlow's padding. Its weight begins with deviation
/// sqrt(2 groups / (out kernel²)), as TensorFlow's and timm's do.
Conv2dOptions tf_conv(int64_t in, int64_t out, int64_t kernel, int64_t stride = 1,
                      int64_t groups = 1);
inline constexpr BatchNormOptions tf_norm{.eps = 1e-3};

}  // namespace lathe
