// Matrix product on the CPU.
//   c[i, j] = epilogue(bias[j] + sum over k of op(a)[i, k] op(b)[k, j]),  row-major
// Rows, slowest first:
//   reference  plain loops, a row of c at a time; every element is summed in the order of k
//   blocked    ours, f32 and f64: packed panels and register tiles for AVX-512 and AVX2
//              (matmul_blocked.cpp); on two cores of an AVX-512 EPYC (231 GFLOP/s at most in f32)
//              it makes 210 for 512 x 512 x 512, oneDNN 232, OpenBLAS 153; in f64 105, OpenBLAS 107
//   openblas   f64, where it is faster than ours (matmul_openblas.cpp)
//   onednn     bf16; f32 where it is faster than ours (matmul_onednn.cpp)
// The GPU's ladder is in matmul.cu and matmul_tensor_core.cu.
#include "kernels/matmul.h"

#include "tensor/parallel.h"

namespace lathe::kernels {

MatmulShape matmul_shape(const Tensor& c, const Tensor& a, const Tensor& b, const Tensor& bias,
                         MatmulOptions options) {
  const int rank = c.rank(), first = rank - 2;
  LATHE_CHECK((rank == 2 || rank == 3) && a.rank() == rank && b.rank() == rank,
              "matmul: expects three matrices or three batches of matrices, got c ", c.shape(),
              ", a ", a.shape(), " and b ", b.shape());
  MatmulShape s;
  s.batch = rank == 3 ? c.dim(0) : 1;
  s.m = c.dim(first);
  s.n = c.dim(first + 1);
  s.k = a.dim(options.transpose_a ? first : first + 1);
  const bool fits = a.dim(options.transpose_a ? first + 1 : first) == s.m &&
                    b.dim(options.transpose_b ? first : first + 1) == s.n &&
                    b.dim(options.transpose_b ? first + 1 : first) == s.k &&
                    (rank == 2 || (a.dim(0) == s.batch && b.dim(0) == s.batch));
  LATHE_CHECK(fits, "matmul: c ", c.shape(), " does not fit a ", a.shape(),
              options.transpose_a ? " transposed" : "", " times b ", b.shape(),
              options.transpose_b ? " transposed" : "");
  LATHE_CHECK(!bias || (bias.numel() == s.n && options.epilogue != Epilogue::none),
              "matmul: bias expects ", s.n, " elements and an epilogue that adds it, got shape ",
              bias.shape());
  LATHE_CHECK(
      a.dtype() == c.dtype() && b.dtype() == c.dtype() && (!bias || bias.dtype() == c.dtype()),
      "matmul: expects one type, got c ", c.dtype(), ", a ", a.dtype(), " and b ", b.dtype());
  return s;
}

namespace {

/// Columns of c that are summed together, on the stack.
constexpr int64_t tile = 256;

/// Elements [begin, end) of one row of c. Steps are the distances of neighbours in a and b.
template <class T>
void row_tile(T* c, const T* a, const T* b, const T* bias, int64_t begin, int64_t end, int64_t k,
              int64_t a_step, int64_t b_row, int64_t b_column, bool relu) {
  using Acc = acc_t<T>;
  Acc sums[tile] = {};
  const int64_t width = end - begin;
  for (int64_t p = 0; p < k; ++p) {
    const Acc left = Acc(a[p * a_step]);
    const T* const right = b + p * b_row + begin * b_column;
    for (int64_t j = 0; j < width; ++j) sums[j] += left * Acc(right[j * b_column]);
  }
  for (int64_t j = 0; j < width; ++j) {
    Acc value = sums[j] + (bias ? Acc(bias[begin + j]) : Acc(0));
    if (relu && value < 0) value = 0;
    c[begin + j] = T(value);
  }
}

void matmul_reference(Tensor& c, const Tensor& a, const Tensor& b, const Tensor& bias,
                      MatmulOptions options) {
  const MatmulShape s = matmul_shape(c, a, b, bias, options);
  const int64_t a_row = options.transpose_a ? 1 : s.k, a_step = options.transpose_a ? s.m : 1;
  const int64_t b_row = options.transpose_b ? 1 : s.n, b_column = options.transpose_b ? s.k : 1;
  dispatch_floating("matmul", c.dtype(), [&]<class T>() {
    const T* const bias_data = bias ? bias.data<T>() : nullptr;
    const int64_t grain = std::max<int64_t>(1, (1 << 14) / std::max<int64_t>(1, s.n * s.k));
    parallel_for(0, s.batch * s.m, grain, [&](int64_t first, int64_t last) {
      for (int64_t row = first; row < last; ++row) {
        const int64_t batch = row / s.m, i = row % s.m;
        const T* const left = a.data<T>() + batch * s.m * s.k + i * a_row;
        const T* const right = b.data<T>() + batch * s.n * s.k;
        for (int64_t j = 0; j < s.n; j += tile)
          row_tile(c.data<T>() + row * s.n, left, right, bias_data, j, std::min(s.n, j + tile), s.k,
                   a_step, b_row, b_column, options.epilogue == Epilogue::bias_relu);
      }
    });
  });
}

void relu_mask_reference(Tensor& dz, const Tensor& dy, const Tensor& y) {
  LATHE_CHECK(dz.numel() == y.numel() && dy.numel() == y.numel(), "relu_mask: expects shape ",
              y.shape(), ", got ", dz.shape(), " and ", dy.shape());
  dispatch_floating("relu_mask", y.dtype(), [&]<class T>() {
    T* const out = dz.data<T>();
    const T *const in = dy.data<T>(), *const value = y.data<T>();
    parallel_for(0, y.numel(), 1 << 14, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        out[i] = acc_t<T>(value[i]) <= 0 ? T(acc_t<T>(0)) : in[i];
    });
  });
}

}  // namespace

REGISTER_KERNELS(matmul, cpu, reference, {"reference", matmul_reference});
REGISTER_KERNELS(relu_mask, cpu, reference, {"reference", relu_mask_reference});

}  // namespace lathe::kernels
