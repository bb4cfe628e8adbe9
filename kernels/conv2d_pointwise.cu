// Convolutions with windows of one pixel (conv2d_direct.cu has the ladder): matrix products, by the
// rows of kernels::matmul, with a pixel's channels for a row:
//   y (N H W, O) = x (N H W, C) w (O, C)',  dx = dy w,  dw (O, C) = dy' x
// Nothing is looked up and nothing lies outside. The matrix product adds a bias and a ReLU; it does
// not cut its sums, so the weight's gradient of many pixels is left to the rungs that do.
#include "kernels/conv2d_rungs.h"
#include "kernels/matmul.h"

namespace lathe::kernels {
namespace {

constexpr const char* not_pointwise = "needs a 1 x 1 window, stride 1, no padding and one group";

bool pointwise(const Tensor& w, const Conv2dShape& k) {
  return w.dim(1) == 1 && w.dim(2) == 1 && k.stride_h == 1 && k.stride_w == 1 && k.groups == 1 &&
         k.pad_top == 0 && k.pad_bottom == 0 && k.pad_left == 0 && k.pad_right == 0;
}

/// A row for each pixel, or each filter.
Tensor rows_of_pixels(const Tensor& x) {
  return x.reshape({x.dim(0) * x.dim(1) * x.dim(2), x.dim(3)});
}

void forward(Tensor& y, const Tensor& x, const Tensor& w, const Tensor& bias, const Tensor&,
             Nonlinearity f, Conv2dShape k) {
  conv2d_extents(y, x, w, k);
  Tensor rows = rows_of_pixels(y);
  matmul(rows, rows_of_pixels(x), rows_of_pixels(w), bias,
         {.transpose_b = true,
          .epilogue = f == Nonlinearity::relu ? Epilogue::bias_relu
                      : bias                  ? Epilogue::bias
                                              : Epilogue::none});
}
Fit fits_forward(Tensor& y, const Tensor&, const Tensor& w, const Tensor&, const Tensor& residual,
                 Nonlinearity f, Conv2dShape k) {
  if (!pointwise(w, k)) return not_pointwise;
  if (residual) return "adds no residual";
  if (f != Nonlinearity::none && f != Nonlinearity::relu) return "applies no function but ReLU";
  return y.numel() > 0 ? Fit() : "needs at least one pixel";
}

void backward_input(Tensor& dx, const Tensor& dy, const Tensor& w, Conv2dShape k) {
  conv2d_extents(dy, dx, w, k);
  Tensor rows = rows_of_pixels(dx);
  matmul(rows, rows_of_pixels(dy), rows_of_pixels(w), Tensor(), {});
}
Fit fits_backward_input(Tensor& dx, const Tensor&, const Tensor& w, Conv2dShape k) {
  if (!pointwise(w, k)) return not_pointwise;
  return dx.numel() > 0 ? Fit() : "needs at least one pixel";
}

void backward_weight(Tensor& dw, Tensor& dbias, const Tensor& dy, const Tensor& x, Conv2dShape k) {
  conv2d_extents(dy, x, dw, k);
  bias_gradient(dbias, dy);
  Tensor rows = rows_of_pixels(dw);
  matmul(rows, rows_of_pixels(dy), rows_of_pixels(x), Tensor(), {.transpose_a = true});
}
Fit fits_backward_weight(Tensor& dw, Tensor&, const Tensor& dy, const Tensor&, Conv2dShape k) {
  if (!pointwise(dw, k)) return not_pointwise;
  const int64_t pixels = dy.dim(0) * dy.dim(1) * dy.dim(2);
  return pixels > 0 && pixels <= 1024 ? Fit() : "needs 1 to 1024 pixels: longer sums are cut";
}

}  // namespace

ConvRows pointwise_rows() {
  return {{"pointwise", forward, fits_forward},
          {"pointwise", backward_input, fits_backward_input},
          {"pointwise", backward_weight, fits_backward_weight}};
}

}  // namespace lathe::kernels
