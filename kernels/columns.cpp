// Moving blocks of matrices on the CPU.
//   reference  copy_columns: a memcpy a row, which is as fast as memory; swap_last: plain loops
//   tiles      swap_last: blocks whose lines of x and of y stay in the first cache together, where
//              plain loops fetch a line for each element
#include "kernels/columns.h"

#include <cstring>

#include "tensor/parallel.h"

namespace lathe::kernels {
namespace {

constexpr int64_t grain = 1 << 14;

void copy_columns_reference(Tensor& y, int64_t to, const Tensor& x, int64_t from, int64_t count) {
  if (y.numel() == 0 || count == 0) return;
  const int64_t size = size_of(x.dtype()), y_row = y.dim(-1) * size, x_row = x.dim(-1) * size;
  std::byte* const out = y.raw() + to * size;
  const std::byte* const in = x.raw() + from * size;
  parallel_for(0, y.numel() / y.dim(-1), std::max<int64_t>(1, grain / count),
               [&](int64_t first, int64_t last) {
                 for (int64_t r = first; r < last; ++r)
                   std::memcpy(out + r * y_row, in + r * x_row, size_t(count * size));
               });
}

void swap_last_reference(Tensor& y, const Tensor& x) {
  const int64_t a = x.dim(1), b = x.dim(2);
  dispatch_size(x.dtype(), [&]<class T>() {
    const T* const in = reinterpret_cast<const T*>(x.raw());
    T* const out = reinterpret_cast<T*>(y.raw());
    parallel_for(0, x.dim(0) * b, std::max<int64_t>(1, grain / std::max<int64_t>(1, a)),
                 [&](int64_t first, int64_t last) {
                   for (int64_t r = first; r < last; ++r)
                     for (int64_t i = 0; i < a; ++i)
                       out[r * a + i] = in[(r / b * a + i) * b + r % b];
                 });
  });
}

constexpr int64_t tile = 32;

/// A block of y: its rows [j, j + rows), its columns [i, i + columns), both at most `tile`.
template <class T>
void swap_tile(T* y, const T* x, int64_t a, int64_t b, int64_t rows, int64_t columns) {
  if (rows == tile && columns == tile) {
    T block[tile][tile];  // of known extents, so that the compiler unrolls
    for (int64_t i = 0; i < tile; ++i)
      for (int64_t j = 0; j < tile; ++j) block[j][i] = x[i * b + j];
    for (int64_t j = 0; j < tile; ++j) std::memcpy(y + j * a, block[j], sizeof block[j]);
    return;
  }
  for (int64_t j = 0; j < rows; ++j)
    for (int64_t i = 0; i < columns; ++i) y[j * a + i] = x[i * b + j];
}

void swap_last_tiles(Tensor& y, const Tensor& x) {
  const int64_t a = x.dim(1), b = x.dim(2), strips = (b + tile - 1) / tile;
  dispatch_size(x.dtype(), [&]<class T>() {
    const T* const in = reinterpret_cast<const T*>(x.raw());
    T* const out = reinterpret_cast<T*>(y.raw());
    parallel_for(0, x.dim(0) * strips, 1 + grain / (1 + tile * a),
                 [&](int64_t first, int64_t last) {
                   for (int64_t s = first; s < last; ++s) {
                     const int64_t matrix = s / strips * a * b, j = s % strips * tile;
                     for (int64_t i = 0; i < a; i += tile)
                       swap_tile(out + matrix + j * a + i, in + matrix + i * b + j, a, b,
                                 std::min(tile, b - j), std::min(tile, a - i));
                   }
                 });
  });
}

}  // namespace

REGISTER_KERNELS(copy_columns, cpu, reference, {"reference", copy_columns_reference});
REGISTER_KERNELS(swap_last, cpu, reference, {"reference", swap_last_reference});
REGISTER_KERNELS(swap_last, cpu, tuned, {"tiles", swap_last_tiles});

}  // namespace lathe::kernels
