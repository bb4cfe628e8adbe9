#include "layers/pool2d.h"

#include "kernels/pool2d.h"
#include "layers/resample2d.h"
#include "tensor/tape.h"

namespace lathe {
namespace {

using kernels::ResampleAxis;
using kernels::ResampleKind;

Size2 stride_of(const PoolWindow& w) {
  return {w.stride.height ? w.stride.height : w.kernel.height,
          w.stride.width ? w.stride.width : w.kernel.width};
}

void check_window(const char* op, const PoolWindow& w) {
  constexpr int64_t most = 1 << 20;
  const auto within = [](Size2 s, int64_t low) {
    return s.height >= low && s.width >= low && s.height <= most && s.width <= most;
  };
  LATHE_CHECK(within(w.kernel, 1), op, ": expects a window of at least one element, got ",
              w.kernel);
  LATHE_CHECK(within(w.stride, 0), op, ": expects a stride of at least 1 (0: the kernel), got ",
              w.stride);
  LATHE_CHECK(within(w.padding, 0) && 2 * w.padding.height <= w.kernel.height &&
                  2 * w.padding.width <= w.kernel.width,
              op, ": expects a padding of at most half of the window ", w.kernel, ", got ",
              w.padding);
}

/// Windows along one dimension; below 1 when none fits.
int64_t windows(int64_t in, int64_t kernel, int64_t stride, int64_t pad, bool ceil_mode) {
  const int64_t room = in + 2 * pad - kernel;
  if (room < 0 && !(ceil_mode && room + stride - 1 >= 0)) return 0;
  int64_t out = (room + (ceil_mode ? stride - 1 : 0)) / stride + 1;
  if (ceil_mode && (out - 1) * stride >= in + pad) --out;  // it would begin in the right padding
  return out;
}

/// What comes out of an image.
Size2 pooled_size(const char* op, const Tensor& x, const PoolWindow& w) {
  check_image(op, x);
  check_window(op, w);
  const Size2 stride = stride_of(w);
  const Size2 size{windows(x.dim(1), w.kernel.height, stride.height, w.padding.height, w.ceil_mode),
                   windows(x.dim(2), w.kernel.width, stride.width, w.padding.width, w.ceil_mode)};
  LATHE_CHECK(size.height >= 1 && size.width >= 1, op, ": a window of ", w.kernel,
              " does not fit into the image ", x.shape());
  return size;
}

ResampleAxis mean_axis(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t pad,
                       bool count_pad) {
  ResampleAxis axis;
  axis.kind = ResampleKind::window;
  axis.count_pad = count_pad;
  axis.in = int(in);
  axis.out = int(out);
  axis.kernel = int(kernel);
  axis.stride = int(stride);
  axis.pad = int(pad);
  return axis;
}

/// What follows kernel_size, stride and padding when all are printed.
std::string window_text(const PoolWindow& w) {
  return concat("kernel_size=", w.kernel, ", stride=", stride_of(w), ", padding=", w.padding);
}

}  // namespace

Tensor max_pool2d(const Tensor& x, const PoolWindow& w) {
  const Size2 size = pooled_size("max_pool2d", x, w), stride = stride_of(w);
  const kernels::Pool2dShape shape{w.kernel.height, w.kernel.width,   stride.height,
                                   stride.width,    w.padding.height, w.padding.width};
  Tensor y = Tensor::empty({x.dim(0), size.height, size.width, x.dim(3)}, x.dtype(), x.device());
  Tensor index;
  if (Tape::current()) index = Tensor::empty(y.shape(), pool_index_type(shape), x.device());
  kernels::max_pool2d_forward(y, index, x, shape);
  return record("max_pool2d", y, {x},
                [index, shape](const Tensor& dy, const Needs& needs) -> Grads {
                  Tensor dx = needs.out(0);
                  kernels::max_pool2d_backward(dx, dy, index, shape);
                  return {dx};
                });
}

Tensor avg_pool2d(const Tensor& x, const PoolWindow& w) {
  const Size2 size = pooled_size("avg_pool2d", x, w), stride = stride_of(w);
  kernels::Resample2d map;
  map.rows = mean_axis(x.dim(1), size.height, w.kernel.height, stride.height, w.padding.height,
                       w.count_include_pad);
  map.columns = mean_axis(x.dim(2), size.width, w.kernel.width, stride.width, w.padding.width,
                          w.count_include_pad);
  return resample2d("avg_pool2d", x, map);
}

Tensor adaptive_avg_pool2d(const Tensor& x, Size2 size) {
  check_image("adaptive_avg_pool2d", x);
  LATHE_CHECK(x.dim(1) >= 1 && x.dim(2) >= 1 && size.height >= 1 && size.width >= 1,
              "adaptive_avg_pool2d: expects sizes of at least 1, got an image ", x.shape(),
              " and a size of ", size);
  const auto axis = [](int64_t in, int64_t out) {
    ResampleAxis a;
    a.kind = ResampleKind::adaptive;
    a.in = int(in);
    a.out = int(out);
    return a;
  };
  return resample2d("adaptive_avg_pool2d", x,
                    {axis(x.dim(1), size.height), axis(x.dim(2), size.width)});
}

Tensor global_avg_pool(const Tensor& x) {
  const Tensor y = adaptive_avg_pool2d(x, 1);
  const Shape like = y.shape();
  return record("global_avg_pool", y.reshape({x.dim(0), x.dim(3)}), {y},
                [like](const Tensor& dy, const Needs&) -> Grads { return {dy.reshape(like)}; });
}

std::string MaxPool2d::details() const {
  return concat(window_text(window_),
                ", dilation=1, ceil_mode=", window_.ceil_mode ? "True" : "False");
}

std::string AvgPool2d::details() const { return window_text(window_); }

std::string AdaptiveAvgPool2d::details() const {
  return concat("output_size=(", size_.height, ", ", size_.width, ")");
}

}  // namespace lathe
