// Pooling of images (N, H, W, C), the ops and modules that print as PyTorch's do.
#pragma once

#include "layers/image.h"
#include "layers/module.h"

namespace lathe {

/// A window that slides over an image, with the meanings of torch.nn.MaxPool2d and AvgPool2d.
struct PoolWindow {
  Size2 kernel = 1;
  Size2 stride = 0;               ///< 0: the kernel's size
  Size2 padding = 0;              ///< on all sides, at most half of the kernel
  bool ceil_mode = false;         ///< windows that begin inside may end outside
  bool count_include_pad = true;  ///< average: padding counts as zeros
};

/// The largest element of each window. Where several are, the gradient goes to the first; a NaN is
/// the largest.
Tensor max_pool2d(const Tensor& x, const PoolWindow& window);
Tensor avg_pool2d(const Tensor& x, const PoolWindow& window);
/// The means of size.height by size.width shares of nearly equal size.
Tensor adaptive_avg_pool2d(const Tensor& x, Size2 size);
/// The mean of each channel: (N, H, W, C) to (N, C).
Tensor global_avg_pool(const Tensor& x);

class MaxPool2d final : public Module {
 public:
  explicit MaxPool2d(const PoolWindow& window) : window_(window) {}
  Tensor forward(const Tensor& x) override { return max_pool2d(x, window_); }
  void visit(Visitor&) override {}
  std::string kind() const override { return "MaxPool2d"; }
  std::string details() const override;

 private:
  PoolWindow window_;
};

class AvgPool2d final : public Module {
 public:
  explicit AvgPool2d(const PoolWindow& window) : window_(window) {}
  Tensor forward(const Tensor& x) override { return avg_pool2d(x, window_); }
  void visit(Visitor&) override {}
  std::string kind() const override { return "AvgPool2d"; }
  std::string details() const override;

 private:
  PoolWindow window_;
};

class AdaptiveAvgPool2d final : public Module {
 public:
  explicit AdaptiveAvgPool2d(Size2 size) : size_(size) {}
  Tensor forward(const Tensor& x) override { return adaptive_avg_pool2d(x, size_); }
  void visit(Visitor&) override {}
  std::string kind() const override { return "AdaptiveAvgPool2d"; }
  std::string details() const override;

 private:
  Size2 size_;
};

}  // namespace lathe
