// Where the sums of a convolution's products go (kernels/conv2d.cuh): each takes `width`
// neighbouring sums of row m of the product, which begin at a multiple of width.
#pragma once

#include "kernels/conv2d.cuh"

namespace lathe::kernels {

__device__ __forceinline__ float nonlinear(Nonlinearity f, float x) {
  return f == Nonlinearity::relu    ? Relu{}.value(x)
         : f == Nonlinearity::relu6 ? Relu6{}.value(x)
         : f == Nonlinearity::silu  ? Silu{}.value(x)
                                    : x;
}
__device__ __forceinline__ double nonlinear(Nonlinearity f, double x) {
  return f == Nonlinearity::relu    ? Relu{}.value(x)
         : f == Nonlinearity::relu6 ? Relu6{}.value(x)
         : f == Nonlinearity::silu  ? Silu{}.value(x)
                                    : x;
}

/// Where forward's sums go: y = f(sum + bias + residual).
template <class T>
struct ForwardResult {
  T* y;
  const T *bias, *residual;
  int pitch;
  Nonlinearity f;
  int column0 = 0;  // of the group
  __device__ void move_to(int group, int, int columns) { column0 = group * columns; }
  template <int width>
  __device__ void store(int m, int column, const acc_t<T> (&sums)[width]) const {
    const int at = m * pitch + column0 + column;
    Vector<T, width> out, more = {}, terms = {};
    if (residual) more = load_vector<width>(residual + at);
    if (bias) terms = load_vector<width>(bias + column0 + column);
    UNROLL
    for (int i = 0; i < width; ++i)
      out[i] = T(nonlinear(f, sums[i] + acc_t<T>(terms[i]) + acc_t<T>(more[i])));
    store_vector<width>(y + at, out);
  }
};

/// Where backward_input's go: the pixels of a phase.
template <class T>
struct InputGradient {
  T* dx;                  // the phase's first pixel
  int image, row, pixel;  // elements from an image, a row and a pixel of the phase to the next
  Divisor image_positions, across;
  int column0 = 0;
  __device__ void move_to(int group, int, int columns) { column0 = group * columns; }
  template <int width>
  __device__ void store(int m, int column, const acc_t<T> (&sums)[width]) const {
    const int n = image_positions.divide(m), rest = m - n * image_positions.divisor;
    const int i = across.divide(rest), j = rest - i * across.divisor;
    Vector<T, width> out;
    UNROLL
    for (int e = 0; e < width; ++e) out[e] = T(sums[e]);
    store_vector<width>(dx + n * image + i * row + j * pixel + column0 + column, out);
  }
};

/// Where backward_weight's go: to dw, or, where the sum is cut into parts, to the part's sums.
template <class T>
struct WeightGradient {
  T* dw;
  acc_t<T>* parts;  // null where there is one part
  int pitch;
  int64_t size;  // elements of dw
  int row0 = 0;
  __device__ void move_to(int group, int rows, int) { row0 = group * rows; }
  template <int width>
  __device__ void store(int m, int column, const acc_t<T> (&sums)[width]) const {
    const int at = (row0 + m) * pitch + column;
    UNROLL
    for (int e = 0; e < width; ++e) {
      if (parts)
        parts[blockIdx.z * size + at + e] = sums[e];
      else
        dw[at + e] = T(sums[e]);
    }
  }
};

}  // namespace lathe::kernels
