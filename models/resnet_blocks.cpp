#include "models/resnet_blocks.h"

#include <cmath>

namespace lathe {
namespace {

constexpr auto relu = kernels::Nonlinearity::relu;

std::unique_ptr<Downsample> make_downsample(int64_t in, int64_t out, int64_t stride) {
  if (in == out && stride == 1) return nullptr;
  return std::make_unique<Downsample>(in, out, stride);
}

Tensor shortcut(const std::unique_ptr<Downsample>& downsample, const Tensor& x) {
  return downsample ? (*downsample)(x) : x;
}

}  // namespace

Conv2dOptions unbiased(int64_t in, int64_t out, Size2 kernel, Size2 stride, int64_t groups) {
  return {.in_channels = in,
          .out_channels = out,
          .kernel = kernel,
          .stride = stride,
          .padding = Padding2(kernel.height / 2, kernel.width / 2),
          .groups = groups,
          .bias = false,
          .init_deviation = std::sqrt(2 / double(out * kernel.height * kernel.width))};
}

Downsample::Downsample(int64_t in, int64_t out, int64_t stride)
    : conv_(unbiased(in, out, 1, stride)), norm_(out) {}

void Downsample::visit(Visitor& visitor) {
  visitor.child("0", conv_);
  visitor.child("1", norm_);
}

BasicBlock::BasicBlock(int64_t in, int64_t out, int64_t stride)
    : conv1_(unbiased(in, out, 3, stride)),
      bn1_(out),
      conv2_(unbiased(out, out, 3)),
      bn2_(out),
      downsample_(make_downsample(in, out, stride)) {}

Tensor BasicBlock::forward(const Tensor& x) {
  const Tensor h = conv_norm(conv1_, bn1_, x, relu);
  return conv_norm(conv2_, bn2_, h, relu, shortcut(downsample_, x));
}

void BasicBlock::visit(Visitor& visitor) {
  visitor.child("conv1", conv1_);
  visitor.child("bn1", bn1_);
  visitor.child("conv2", conv2_);
  visitor.child("bn2", bn2_);
  if (downsample_) visitor.child("downsample", *downsample_);
}

Bottleneck::Bottleneck(int64_t in, int64_t width, int64_t out, int64_t stride, int64_t groups)
    : conv1_(unbiased(in, width, 1)),
      bn1_(width),
      conv2_(unbiased(width, width, 3, stride, groups)),
      bn2_(width),
      conv3_(unbiased(width, out, 1)),
      bn3_(out),
      downsample_(make_downsample(in, out, stride)) {}

Tensor Bottleneck::forward(const Tensor& x) {
  Tensor h = conv_norm(conv1_, bn1_, x, relu);
  h = conv_norm(conv2_, bn2_, h, relu);
  return conv_norm(conv3_, bn3_, h, relu, shortcut(downsample_, x));
}

void Bottleneck::visit(Visitor& visitor) {
  visitor.child("conv1", conv1_);
  visitor.child("bn1", bn1_);
  visitor.child("conv2", conv2_);
  visitor.child("bn2", bn2_);
  visitor.child("conv3", conv3_);
  visitor.child("bn3", bn3_);
  if (downsample_) visitor.child("downsample", *downsample_);
}

}  // namespace lathe
