// Average pooling of all kinds, nearest and bilinear resizing: all are one linear map of an image,
// along its rows and along its columns,
//   y[n, p, q, c] = sum over h, w of A[p, h] B[q, w] x[n, h, w, c],
// where each row of A and B has its weights side by side. The gradient is the transposed map.
#pragma once

#include "kernels/math.h"
#include "tensor/kernel.h"

namespace lathe::kernels {

enum class ResampleKind : uint8_t {
  window,    ///< the mean of a window that slides
  adaptive,  ///< the mean of a share of the elements; shares may overlap
  nearest,   ///< one element
  linear     ///< between two elements
};

/// One of the matrices: `out` rows, `in` columns. Positions are torch.nn.functional.interpolate's
/// (without antialias), windows those of avg_pool2d and adaptive_avg_pool2d.
struct ResampleAxis {
  ResampleKind kind = ResampleKind::window;
  bool count_pad = true;       ///< window: elements beyond the border count as zeros
  bool align_corners = false;  ///< linear: first and last elements stay in place
  int in = 1, out = 1;
  int kernel = 1, stride = 1, pad = 0;

  /// The weights of row p lie in columns begin(p) to end(p), exclusive. Both grow with p.
  HOST_DEVICE int begin(int p) const {
    switch (kind) {
      case ResampleKind::window:
        return p * stride > pad ? p * stride - pad : 0;
      case ResampleKind::adaptive:
        return int(int64_t(p) * in / out);
      case ResampleKind::nearest:
        return nearest(p);
      default:
        return int(position(p));
    }
  }
  HOST_DEVICE int end(int p) const {
    switch (kind) {
      case ResampleKind::window:
        return least(p * stride - pad + kernel, in);
      case ResampleKind::adaptive:
        return int((int64_t(p + 1) * in + out - 1) / out);
      case ResampleKind::nearest:
        return nearest(p) + 1;
      default:
        return least(int(position(p)) + 2, in);
    }
  }
  template <class T>
  HOST_DEVICE T weight(int p, int h) const {
    switch (kind) {
      case ResampleKind::window:
        return T(1) / T(count_pad ? least(p * stride + kernel, in + 2 * pad) - p * stride
                                  : end(p) - begin(p));
      case ResampleKind::adaptive:
        return T(1) / T(end(p) - begin(p));
      case ResampleKind::nearest:
        return T(1);
      default:
        break;
    }
    const int first = begin(p);
    if (end(p) - first == 1) return T(1);
    const double second = position(p) - first;
    return T(h == first ? 1 - second : second);
  }

  /// The rows with a weight in column h are first_of(h) to end_of(h), exclusive.
  HOST_DEVICE int first_of(int h) const {
    if (kind == ResampleKind::window) {
      const int before = h + pad - kernel;
      return before < 0 ? 0 : least(before / stride + 1, out);
    }
    if (kind == ResampleKind::adaptive) return int(int64_t(h) * out / in);
    return first_where([this, h](int p) { return end(p) > h; });
  }
  HOST_DEVICE int end_of(int h) const {
    if (kind == ResampleKind::window) return least((h + pad) / stride + 1, out);
    if (kind == ResampleKind::adaptive) return int((int64_t(h + 1) * out + in - 1) / in);
    return first_where([this, h](int p) { return begin(p) > h; });
  }

 private:
  HOST_DEVICE static int least(int a, int b) { return a < b ? a : b; }

  /// PyTorch finds the nearest element in f32, and rounding may choose another one.
  HOST_DEVICE int nearest(int p) const {
    return least(int(float(p) * (float(in) / float(out))), in - 1);
  }
  HOST_DEVICE double position(int p) const {
    if (align_corners) return out > 1 ? p * (double(in - 1) / double(out - 1)) : 0;
    const double at = math::fma(double(in) / double(out), p + 0.5, -0.5);
    return at < 0 ? 0 : at;
  }
  /// The first p for which a condition that then stays true is true, or `out`.
  template <class Condition>
  HOST_DEVICE int first_where(const Condition& holds) const {
    int low = 0, high = out;
    while (low < high) {
      const int middle = (low + high) / 2;
      if (holds(middle))
        high = middle;
      else
        low = middle + 1;
    }
    return low;
  }
};

/// The map of an image, or its transposed.
struct Resample2d {
  ResampleAxis rows, columns;
  bool transposed = false;

  /// The axes' extents of the image that is read and of the one that is written.
  HOST_DEVICE int rows_in() const { return transposed ? rows.out : rows.in; }
  HOST_DEVICE int columns_in() const { return transposed ? columns.out : columns.in; }
  HOST_DEVICE int rows_out() const { return transposed ? rows.in : rows.out; }
  HOST_DEVICE int columns_out() const { return transposed ? columns.in : columns.out; }
  HOST_DEVICE int begin(const ResampleAxis& axis, int to) const {
    return transposed ? axis.first_of(to) : axis.begin(to);
  }
  HOST_DEVICE int end(const ResampleAxis& axis, int to) const {
    return transposed ? axis.end_of(to) : axis.end(to);
  }
  template <class T>
  HOST_DEVICE T weight(const ResampleAxis& axis, int to, int from) const {
    return transposed ? axis.weight<T>(from, to) : axis.weight<T>(to, from);
  }
};

/// y = the map of x: images (N, H, W, C) of one floating type. Sums are in row-major order, a row
/// of the window after the other.
DECLARE_KERNEL(resample2d, Tensor& y, const Tensor& x, Resample2d map);

/// Throws unless the images have the extents of the map.
void check_resample(const Tensor& y, const Tensor& x, const Resample2d& map);

}  // namespace lathe::kernels
