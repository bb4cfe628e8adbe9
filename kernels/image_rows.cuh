// Kernels over images (N, H, W, C) whose threads make a piece of a pixel's channels each: a block
// takes 256 pieces of one row of the result, so that all divisions are of 32 bits.
#pragma once

#include "kernels/device.cuh"
#include "tensor/kernel.h"

namespace lathe::kernels {

constexpr int image_threads = 256;

/// The piece that a thread makes: channels c to c + width - 1 of a pixel.
struct ImagePiece {
  int64_t n, at;  // the image, and where the piece begins in the result
  int row, column, c;
};

/// False where the thread has nothing to do.
template <int width>
__device__ __forceinline__ bool find_piece(int rows, int columns, int channels, ImagePiece& piece) {
  const int per_pixel = channels / width;
  const int i = int(blockIdx.y) * image_threads + int(threadIdx.x);
  if (i >= columns * per_pixel) return false;
  piece.column = i / per_pixel;
  piece.c = i % per_pixel * width;
  piece.n = int(blockIdx.x) / rows;
  piece.row = int(blockIdx.x) % rows;
  piece.at = (int64_t(blockIdx.x) * columns + piece.column) * channels + piece.c;
  return true;
}

/// Launches kernel(args...) with a thread for each piece of `to`, which is not empty.
template <class... Parameters, class... Arguments>
void launch_pieces(void (*kernel)(Parameters...), const Tensor& to, int width,
                   const Arguments&... arguments) {
  const int64_t rows = to.dim(0) * to.dim(1), pieces = to.dim(2) * (to.dim(3) / width);
  LATHE_CHECK(rows <= 0x7fffffff && pieces <= 0x7fffffff / 2, "launch: an image is too large, ",
              to.shape());
  launch(kernel, dim3(unsigned(rows), unsigned(ceil_div(pieces, image_threads))), image_threads, 0,
         arguments...);
}

/// Elements of an access: 16 bytes where all rows of channels begin at multiples of that.
template <class T, class... Tensors>
int channel_width(int64_t channels, const Tensors&... images) {
  constexpr int width = int(16 / sizeof(T));
  const bool aligned = ((reinterpret_cast<uintptr_t>(images.raw()) % 16 == 0) && ...);
  return aligned && channels % width == 0 ? width : 1;
}

/// What the vector rungs ask for: `images` are all of one type.
template <class... Tensors>
Fit fits_channels(const Tensor& first, const Tensors&... images) {
  const bool aligned = reinterpret_cast<uintptr_t>(first.raw()) % 16 == 0 &&
                       ((reinterpret_cast<uintptr_t>(images.raw()) % 16 == 0) && ...);
  return aligned && first.dim(-1) * size_of(first.dtype()) % 16 == 0
             ? Fit()
             : "needs channels in multiples of 16 bytes";
}

}  // namespace lathe::kernels
