// The blocks of residual networks: y = relu(f(x) + shortcut(x)).
#pragma once

#include <memory>

#include "layers/conv_norm.h"

namespace lathe {

/// What makes a block's input as large as its result, where it is not: a 1x1 convolution with
/// stride and its batch norm, named 0 and 1.
class Downsample final : public Module {
 public:
  Downsample(int64_t in, int64_t out, int64_t stride);
  Tensor forward(const Tensor& x) override { return conv_norm(conv_, norm_, x); }
  void visit(Visitor& visitor) override;
  std::string kind() const override { return "Sequential"; }

 private:
  Conv2d conv_;
  BatchNorm2d norm_;
};

/// Two 3x3 convolutions; the first has the stride.
class BasicBlock final : public Module {
 public:
  BasicBlock(int64_t in, int64_t out, int64_t stride);
  Tensor forward(const Tensor& x) override;
  void visit(Visitor& visitor) override;
  std::string kind() const override { return "BasicBlock"; }
  bool is_block() const override { return true; }

 private:
  Conv2d conv1_;
  BatchNorm2d bn1_;
  Conv2d conv2_;
  BatchNorm2d bn2_;
  std::unique_ptr<Downsample> downsample_;
};

/// 1x1 down to `width`, 3x3 with stride and groups, 1x1 up to `out`.
class Bottleneck final : public Module {
 public:
  Bottleneck(int64_t in, int64_t width, int64_t out, int64_t stride, int64_t groups);
  Tensor forward(const Tensor& x) override;
  void visit(Visitor& visitor) override;
  std::string kind() const override { return "Bottleneck"; }
  bool is_block() const override { return true; }

 private:
  Conv2d conv1_;
  BatchNorm2d bn1_;
  Conv2d conv2_;
  BatchNorm2d bn2_;
  Conv2d conv3_;
  BatchNorm2d bn3_;
  std::unique_ptr<Downsample> downsample_;
};

/// A convolution without bias, as batch norm follows; its weight begins with deviation
/// sqrt(2 / fan_out) (He et al., arXiv:1502.01852), as in torchvision's models.
Conv2dOptions unbiased(int64_t in, int64_t out, Size2 kernel, Size2 stride = 1, int64_t groups = 1);

}  // namespace lathe
