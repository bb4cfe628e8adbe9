// Convolution of images: the differentiable op, and the module that owns weight and bias.
#pragma once

#include "kernels/conv2d.h"
#include "layers/image.h"
#include "layers/module.h"

namespace lathe {

/// How the border of a picture is filled with zeros.
struct Padding2 {
  int64_t top = 0, bottom = 0, left = 0, right = 0;
  /// TensorFlow's `same`: a result of ceil(extent / stride), the odd zero at bottom and right.
  bool same = false;
  constexpr Padding2() = default;
  constexpr Padding2(int64_t all) : top(all), bottom(all), left(all), right(all) {}  // NOLINT
  constexpr Padding2(int64_t height, int64_t width)
      : top(height), bottom(height), left(width), right(width) {}
  constexpr Padding2(int64_t top, int64_t bottom, int64_t left, int64_t right)
      : top(top), bottom(bottom), left(left), right(right) {}
};
inline constexpr Padding2 same_padding = [] {
  Padding2 p;
  p.same = true;
  return p;
}();

/// What a convolution may be told besides its tensors.
struct Conv2dWindow {
  Size2 stride = 1;
  Padding2 padding = 0;
  Size2 dilation = 1;
  int64_t groups = 1;
};

/// x (N, H, W, C), w (O, R, S, C / groups), b (O,) or absent; y (N, P, Q, O) with
/// P = floor((H + padding - dilation (R - 1) - 1) / stride) + 1. The sum of
/// torch.nn.functional.conv2d.
Tensor conv2d(const Tensor& x, const Tensor& w, const Tensor& b, const Conv2dWindow& window = {});

struct Conv2dOptions {
  int64_t in_channels = 1, out_channels = 1;
  Size2 kernel = 1;
  Size2 stride = 1;
  Padding2 padding = 0;
  Size2 dilation = 1;
  int64_t groups = 1;
  bool bias = true;
  /// How the weight begins: normal with this deviation; 0: as torch.nn.Conv2d's.
  double init_deviation = 0;
};

/// What a convolution computes with in inference.
struct ConstantWeights {
  Tensor weight, bias;
};

/// torch.nn.Conv2d: weight (O, R, S, C / groups) in memory, (O, C / groups, R, S) in files; bias
/// (O,). Both are uniform in ±1 / sqrt(C / groups R S) at first, unless the options say otherwise.
class Conv2d final : public Module {
 public:
  explicit Conv2d(const Conv2dOptions& options);

  Tensor forward(const Tensor& x) override;
  /// f(conv(x) + residual) with the weights that `make` gives, which are kept as long as
  /// weights_are_constant(). For use where no tape records.
  Tensor constant_forward(const Tensor& x, kernels::Nonlinearity f, const Tensor& residual,
                          const std::function<ConstantWeights()>& make);
  void visit(Visitor& visitor) override;
  std::string kind() const override { return "Conv2d"; }
  std::string details() const override;
  const Conv2dOptions& options() const { return options_; }
  Conv2dWindow window() const;

  Tensor weight, bias;

 private:
  Conv2dOptions options_;
  ConstantWeights constant_;
  uint64_t made_for_ = 0;  ///< weights_are_constant() when constant_ was made
};

}  // namespace lathe
