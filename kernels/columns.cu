// Moving blocks of matrices on the device. Definitions: kernels/columns.h.
// Layout: row-major. Every byte is read and written once; what counts is that both are coalesced.
// copy_columns:
//   element  an element a thread
//   vector   16 bytes a thread, where all rows and columns allow it
// swap_last:
//   element  an element of y a thread: writes are coalesced, reads are a row of x apart
//   tile     32 by 32 elements are read along x, and written along y, by way of shared memory. Its
//            rows have 33 elements, so that a column lies in 32 different banks
#include "kernels/columns.h"

#include "kernels/device.cuh"

namespace lathe::kernels {
namespace {

constexpr int threads = 256;

/// `count` pieces a row; all counted in pieces.
template <class Piece>
__global__ void copy_pieces(Piece* y, const Piece* x, int64_t total, int64_t count, int64_t y_row,
                            int64_t x_row) {
  const int64_t i = int64_t(blockIdx.x) * threads + threadIdx.x;
  if (i >= total) return;
  const int64_t row = i / count, column = i % count;
  store_vector<1>(y + row * y_row + column, load_vector<1>(x + row * x_row + column));
}

template <class Piece>
void copy_by(Tensor& y, int64_t to, const Tensor& x, int64_t from, int64_t count) {
  if (y.numel() == 0 || count == 0) return;
  const int64_t rows = y.numel() / y.dim(-1), size = size_of(x.dtype());
  const auto pieces = [size](int64_t elements) { return elements * size / int64_t(sizeof(Piece)); };
  launch(copy_pieces<Piece>, ceil_div(rows * pieces(count), threads), threads, 0,
         reinterpret_cast<Piece*>(y.raw() + to * size),
         reinterpret_cast<const Piece*>(x.raw() + from * size), rows * pieces(count), pieces(count),
         pieces(y.dim(-1)), pieces(x.dim(-1)));
}

void copy_element(Tensor& y, int64_t to, const Tensor& x, int64_t from, int64_t count) {
  dispatch_size(x.dtype(), [&]<class T>() { copy_by<T>(y, to, x, from, count); });
}
void copy_vector(Tensor& y, int64_t to, const Tensor& x, int64_t from, int64_t count) {
  copy_by<Vector<uint32_t, 4>>(y, to, x, from, count);
}

Fit fits_vector(Tensor& y, int64_t to, const Tensor& x, int64_t from, int64_t count) {
  const int64_t size = size_of(x.dtype());
  const int64_t all =
      int64_t(reinterpret_cast<uintptr_t>(y.raw()) | reinterpret_cast<uintptr_t>(x.raw())) |
      (to | from | count | y.dim(-1) | x.dim(-1)) * size;
  return all % 16 == 0 ? Fit() : "needs rows and columns at multiples of 16 bytes";
}

template <class T>
__global__ void swap_element(T* y, const T* x, int64_t count, int64_t a, int64_t b) {
  const int64_t i = int64_t(blockIdx.x) * threads + threadIdx.x;
  if (i >= count) return;
  const int64_t row = i / a;  // of all matrices of y
  y[i] = x[(row / b * a + i % a) * b + row % b];
}

constexpr int tile = 32, tile_rows = 8;

/// Grid: (tiles of all matrices). Block: (tile, tile_rows).
template <class T>
__global__ void swap_tile(T* y, const T* x, int64_t a, int64_t b, int64_t tiles_a,
                          int64_t tiles_b) {
  SHARED(T, block, [tile][tile + 1]);
  const int64_t matrix = int64_t(blockIdx.x) / (tiles_a * tiles_b) * a * b;
  const int64_t i = int64_t(blockIdx.x) / tiles_b % tiles_a * tile;  // first row of x
  const int64_t j = int64_t(blockIdx.x) % tiles_b * tile;            // first column of x
  const int lane = int(threadIdx.x);
  for (int r = int(threadIdx.y); r < tile; r += tile_rows)
    if (i + r < a && j + lane < b) block[r][lane] = x[matrix + (i + r) * b + j + lane];
  __syncthreads();
  for (int r = int(threadIdx.y); r < tile; r += tile_rows)
    if (j + r < b && i + lane < a) y[matrix + (j + r) * a + i + lane] = block[lane][r];
}

void swap_by_element(Tensor& y, const Tensor& x) {
  if (x.numel() == 0) return;
  dispatch_size(x.dtype(), [&]<class T>() {
    launch(swap_element<T>, ceil_div(x.numel(), threads), threads, 0, reinterpret_cast<T*>(y.raw()),
           reinterpret_cast<const T*>(x.raw()), x.numel(), x.dim(1), x.dim(2));
  });
}

void swap_by_tile(Tensor& y, const Tensor& x) {
  if (x.numel() == 0) return;
  const int64_t tiles_a = ceil_div(x.dim(1), tile), tiles_b = ceil_div(x.dim(2), tile);
  dispatch_size(x.dtype(), [&]<class T>() {
    launch(swap_tile<T>, x.dim(0) * tiles_a * tiles_b, dim3(tile, tile_rows), 0,
           reinterpret_cast<T*>(y.raw()), reinterpret_cast<const T*>(x.raw()), x.dim(1), x.dim(2),
           tiles_a, tiles_b);
  });
}

}  // namespace

REGISTER_KERNELS(copy_columns, cuda, tuned, {"vector", copy_vector, fits_vector},
                 {"element", copy_element});
REGISTER_KERNELS(swap_last, cuda, tuned, {"tile", swap_by_tile}, {"element", swap_by_element});

}  // namespace lathe::kernels
