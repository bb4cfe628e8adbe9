// What the rungs of the matrix product on the GPU share: the product as a kernel's argument, where
// a block's tile lies, the epilogue. And the rungs that have files of their own, which matmul.cu
// puts into the table.
#pragma once

#include "kernels/device.cuh"
#include "kernels/matmul.h"

namespace lathe::kernels {

/// A batch of products c = epilogue(op(a) op(b) + bias), as a kernel takes it.
template <class T>
struct DeviceProduct {
  T* c;
  const T *a, *b, *bias;
  int64_t batch, m, n, k;
  bool transpose_a, transpose_b, relu;

  /// Moves to matrix i of the batch.
  __device__ DeviceProduct at(int64_t i) const {
    DeviceProduct one = *this;
    one.c += i * m * n;
    one.a += i * m * k;
    one.b += i * k * n;
    return one;
  }
  __device__ T a_at(int64_t i, int64_t p) const { return a[transpose_a ? p * m + i : i * k + p]; }
  __device__ T b_at(int64_t p, int64_t j) const { return b[transpose_b ? j * k + p : p * n + j]; }
  /// What becomes of the sum for column j.
  __device__ T finish(acc_t<T> sum, int64_t j) const {
    if (bias) sum += acc_t<T>(bias[j]);
    return T(relu && sum < 0 ? acc_t<T>(0) : sum);
  }
};

template <class T>
DeviceProduct<T> device_product(Tensor& c, const Tensor& a, const Tensor& b, const Tensor& bias,
                                MatmulOptions options) {
  const MatmulShape s = matmul_shape(c, a, b, bias, options);
  return {c.data<T>(),
          a.data<T>(),
          b.data<T>(),
          bias ? bias.data<T>() : nullptr,
          s.batch,
          s.m,
          s.n,
          s.k,
          options.transpose_a,
          options.transpose_b,
          options.epilogue == Epilogue::bias_relu};
}

/// Blocks for tiles of c: x counts tiles, row by row; y goes over the batch in strides.
inline dim3 tile_grid(const MatmulShape& s, int rows, int columns) {
  return dim3(Grid(ceil_div(s.m, rows) * ceil_div(s.n, columns)).blocks.x,
              unsigned(std::min<int64_t>(s.batch, 65535)));
}

/// The first row and column of this block's tile.
struct TileOrigin {
  int64_t row, column;
};
__device__ __forceinline__ TileOrigin tile_origin(int64_t n, int rows, int columns) {
  const int64_t across = ceil_div(n, columns);
  return {int64_t(blockIdx.x) / across * rows, int64_t(blockIdx.x) % across * columns};
}

/// Whether an extent allows vectors of so many elements.
inline bool whole_vectors(const Tensor& x, int64_t elements) {
  return x.dim(-1) % elements == 0 && reinterpret_cast<uintptr_t>(x.raw()) % 16 == 0;
}

// Rungs in matmul_pipelined.cu and matmul_tensor_core.cu.
void matmul_pipelined(Tensor& c, const Tensor& a, const Tensor& b, const Tensor& bias,
                      MatmulOptions options);
Fit fits_pipelined(Tensor& c, const Tensor& a, const Tensor& b, const Tensor& bias,
                   MatmulOptions options);
void matmul_tensor_core(Tensor& c, const Tensor& a, const Tensor& b, const Tensor& bias,
                        MatmulOptions options);
Fit fits_tensor_core(Tensor& c, const Tensor& a, const Tensor& b, const Tensor& bias,
                     MatmulOptions options);

}  // namespace lathe::kernels
