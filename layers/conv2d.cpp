#include "layers/conv2d.h"

#include <cmath>

#include "kernels/reduce.h"
#include "layers/init.h"
#include "tensor/constant.h"
#include "tensor/plan.h"
#include "tensor/tape.h"

namespace lathe {
namespace {

/// Zeros before and after, so that the result has ceil(in / stride) places.
std::pair<int64_t, int64_t> same_zeros(int64_t in, int64_t window, int64_t stride,
                                       int64_t dilation) {
  const int64_t out = (in + stride - 1) / stride;
  const int64_t zeros = std::max<int64_t>(0, (out - 1) * stride + dilation * (window - 1) + 1 - in);
  return {zeros / 2, zeros - zeros / 2};
}

kernels::Conv2dShape kernel_shape(const Tensor& x, const Tensor& w, const Conv2dWindow& window) {
  kernels::Conv2dShape k{.stride_h = window.stride.height,
                         .stride_w = window.stride.width,
                         .pad_top = window.padding.top,
                         .pad_bottom = window.padding.bottom,
                         .pad_left = window.padding.left,
                         .pad_right = window.padding.right,
                         .dilation_h = window.dilation.height,
                         .dilation_w = window.dilation.width,
                         .groups = window.groups};
  if (window.padding.same) {
    std::tie(k.pad_top, k.pad_bottom) = same_zeros(x.dim(1), w.dim(1), k.stride_h, k.dilation_h);
    std::tie(k.pad_left, k.pad_right) = same_zeros(x.dim(2), w.dim(2), k.stride_w, k.dilation_w);
  }
  return k;
}

void check_window(const Conv2dWindow& w) {
  LATHE_CHECK(w.stride.height >= 1 && w.stride.width >= 1 && w.dilation.height >= 1 &&
                  w.dilation.width >= 1 && w.groups >= 1,
              "conv2d: expects stride, dilation and groups of at least 1, got ", w.stride, ", ",
              w.dilation, " and ", w.groups);
  LATHE_CHECK(
      w.padding.top >= 0 && w.padding.bottom >= 0 && w.padding.left >= 0 && w.padding.right >= 0,
      "conv2d: expects no negative padding");
}

void check_tensors(const Tensor& x, const Tensor& w, const Tensor& b, int64_t groups) {
  check_image("conv2d", x);
  LATHE_CHECK(w.rank() == 4, "conv2d: expects a weight (O, R, S, C / groups), got ", w.shape());
  LATHE_CHECK(x.dim(3) == w.dim(3) * groups, "conv2d: the weight ", w.shape(),
              groups > 1 ? concat(" in ", groups, " groups") : "", " expects ", w.dim(3) * groups,
              " input channels, got x ", x.shape());
  LATHE_CHECK(w.dim(0) % groups == 0, "conv2d: ", w.dim(0), " filters cannot be divided into ",
              groups, " groups");
  LATHE_CHECK(!b || b.shape() == Shape({w.dim(0)}), "conv2d: expects a bias (", w.dim(0),
              ",), got ", b.shape());
  LATHE_CHECK(x.dtype() == w.dtype(), "conv2d: x is ", x.dtype(), ", but the weight ", w.dtype());
}

/// The shape of y; throws when the window is larger than the padded picture.
Shape output_shape(const Tensor& x, const Tensor& w, const kernels::Conv2dShape& k) {
  const int64_t p = kernels::conv2d_output(x.dim(1), w.dim(1), k.pad_top + k.pad_bottom, k.stride_h,
                                           k.dilation_h),
                q = kernels::conv2d_output(x.dim(2), w.dim(2), k.pad_left + k.pad_right, k.stride_w,
                                           k.dilation_w);
  LATHE_CHECK(p >= 1 && q >= 1, "conv2d: the picture is too small: a window of ",
              Size2(w.dim(1), w.dim(2)), " with dilation ", Size2(k.dilation_h, k.dilation_w),
              " does not fit x ", x.shape(), " with padding ", k.pad_top + k.pad_bottom, " and ",
              k.pad_left + k.pad_right);
  return {x.dim(0), p, q, w.dim(0)};
}

kernels::Conv2dShape checked_shape(const Tensor& x, const Tensor& w, const Tensor& b,
                                   const Conv2dWindow& window) {
  check_window(window);
  check_tensors(x, w, b, window.groups);
  return kernel_shape(x, w, window);
}

}  // namespace

Tensor conv2d(const Tensor& x, const Tensor& w, const Tensor& b, const Conv2dWindow& window) {
  const kernels::Conv2dShape k = checked_shape(x, w, b, window);
  Tensor y = Tensor::empty(output_shape(x, w, k), x.dtype(), x.device());
  kernels::conv2d_forward(y, x, w, b, {}, kernels::Nonlinearity::none, k);
  const Tensor kept = Tape::wants(w) ? x.detach() : Tensor();
  return record("conv2d", y, {x, w, b},
                [x = kept, w = w.detach(), k](const Tensor& dy, const Needs& needs) -> Grads {
                  Grads grads(3);
                  if (needs[1]) {
                    grads[1] = needs.out(1);
                    if (needs[2]) grads[2] = needs.out(2);
                    kernels::conv2d_backward_weight(grads[1], grads[2], dy, x, k);
                  }
                  if (needs[2] && !needs[1]) {
                    grads[2] = needs.out(2);
                    kernels::sum_rows(grads[2], dy.reshape({dy.numel() / dy.dim(3), dy.dim(3)}));
                  }
                  if (needs[0]) {
                    grads[0] = needs.out(0);
                    kernels::conv2d_backward_input(grads[0], dy, w, k);
                  }
                  return grads;
                });
}

Conv2d::Conv2d(const Conv2dOptions& options) : options_(options) {
  const auto& o = options;
  LATHE_CHECK(o.in_channels >= 1 && o.out_channels >= 1 && o.kernel.height >= 1 &&
                  o.kernel.width >= 1 && o.groups >= 1,
              "Conv2d: expects channels, kernel and groups of at least 1, got ", o.in_channels,
              ", ", o.out_channels, ", ", o.kernel, " and ", o.groups);
  LATHE_CHECK(o.in_channels % o.groups == 0 && o.out_channels % o.groups == 0,
              "Conv2d: ", o.in_channels, " and ", o.out_channels,
              " channels cannot be divided into ", o.groups, " groups");
  check_window(window());
  weight =
      Tensor::empty({o.out_channels, o.kernel.height, o.kernel.width, o.in_channels / o.groups});
  const int64_t fan_in = weight.numel() / o.out_channels;
  if (o.init_deviation > 0)
    init_normal_(weight, o.init_deviation);
  else
    kaiming_uniform_(weight, fan_in, std::sqrt(5.0));
  weight.requires_grad_();
  if (!o.bias) return;
  bias = Tensor::empty({o.out_channels});
  const double bound = 1 / std::sqrt(double(fan_in));
  init_uniform_(bias, bound);
  bias.requires_grad_();
}

Tensor Conv2d::forward(const Tensor& x) {
  if (!weights_are_constant() || Tape::current()) return conv2d(x, weight, bias, window());
  return constant_forward(x, kernels::Nonlinearity::none, {}, [this] {
    return ConstantWeights{weight.detach(), bias ? bias.detach() : bias};
  });
}

Tensor Conv2d::constant_forward(const Tensor& x, kernels::Nonlinearity f, const Tensor& residual,
                                const std::function<ConstantWeights()>& make) {
  if (made_for_ != weights_are_constant()) {
    const OutsidePlan outlives;
    constant_ = make();
    constant_.weight = constant_view(constant_.weight);
    made_for_ = weights_are_constant();
  }
  const auto& [w, b] = constant_;
  const kernels::Conv2dShape k = checked_shape(x, w, b, window());
  Tensor y = Tensor::empty(output_shape(x, w, k), x.dtype(), x.device());
  LATHE_CHECK(!residual || residual.shape() == y.shape(), "conv2d: expects a residual ", y.shape(),
              ", got ", residual.shape());
  kernels::conv2d_forward(y, x, w, b, residual, f, k);
  return y;
}

Conv2dWindow Conv2d::window() const {
  return {options_.stride, options_.padding, options_.dilation, options_.groups};
}

void Conv2d::visit(Visitor& visitor) {
  visitor.parameter("weight", weight, Layout::filters);
  visitor.parameter("bias", bias);
}

// PyTorch's text; it always writes both numbers.
std::string Conv2d::details() const {
  const auto pair = [](int64_t a, int64_t b) { return concat("(", a, ", ", b, ")"); };
  const Conv2dOptions& o = options_;
  std::string text = concat(o.in_channels, ", ", o.out_channels,
                            ", kernel_size=", pair(o.kernel.height, o.kernel.width),
                            ", stride=", pair(o.stride.height, o.stride.width));
  const Padding2& p = o.padding;
  if (p.same)
    text += ", padding=same";
  else if (p.top + p.bottom + p.left + p.right > 0)
    text += ", padding=" + pair(p.top, p.left);
  if (!(o.dilation == Size2(1))) text += ", dilation=" + pair(o.dilation.height, o.dilation.width);
  if (o.groups > 1) text += concat(", groups=", o.groups);
  return text + (o.bias ? "" : ", bias=False");
}

}  // namespace lathe
