// Dropout on the device. Formula: kernels/dropout.h; random numbers: Philox 4x32-10
// (tensor/random.h), the same bits as on the CPU.
// Layout: flat arrays; the step is read from device memory, so that a captured graph draws anew.
// A read and a write an element; what has to be kept small beside them is the arithmetic:
//   element  one element a thread, which pays for the stream's key (ten rounds of Philox) and for a
//            block of four random words, of which it uses one
//   vector   four elements a thread, which share a block, in accesses of 16 bytes (8 for 16-bit
//            types), and threads that go on to further elements: the key once a thread
#include "kernels/dropout.h"

#include "kernels/map.cuh"

namespace lathe::kernels {
namespace {

constexpr int block_size = 256;
constexpr int64_t most_blocks = 2048;  // keep the largest devices busy

template <class T>
__device__ T kept_or_zero(T x, bool kept, acc_t<T> scale) {
  return T(kept ? scale * acc_t<T>(x) : acc_t<T>(0));
}

template <class T>
__global__ void dropout_element(T* y, const T* x, const int64_t* step, DropoutMask mask,
                                size_t count) {
  const size_t i = first_element();
  if (i >= count) return;
  const uint32_t word = mask.stream(*step).bits(i);
  const bool kept = DropoutMask::keeps(word, mask.threshold());
  y[i] = kept_or_zero(x[i], kept, acc_t<T>(mask.scale()));
}

template <class T>
__global__ void dropout_vector(T* y, const T* x, const int64_t* step, DropoutMask mask,
                               size_t count) {
  constexpr int width = sizeof(T) == 8 ? 2 : 4;
  const RandomStream random = mask.stream(*step);
  const uint32_t threshold = mask.threshold();
  const acc_t<T> scale = acc_t<T>(mask.scale());
  const size_t stride = size_t(gridDim.x) * block_size;
  for (size_t block = first_element(); 4 * block < count; block += stride) {
    const Philox4 bits = random.block(block);
    const uint32_t words[4] = {bits.x, bits.y, bits.z, bits.w};
    const size_t begin = 4 * block;
    if (begin + 4 > count) {  // the last, incomplete block
      for (size_t k = 0; begin + k < count; ++k)
        y[begin + k] = kept_or_zero(x[begin + k], DropoutMask::keeps(words[k], threshold), scale);
      return;
    }
    UNROLL
    for (int k = 0; k < 4; k += width) {
      auto piece = load_vector<width>(x + begin + k);
      UNROLL
      for (int j = 0; j < width; ++j)
        piece[j] = kept_or_zero(piece[j], DropoutMask::keeps(words[k + j], threshold), scale);
      store_vector<width>(y + begin + k, piece);
    }
  }
}

void element(Tensor& y, const Tensor& x, const Tensor& step, DropoutMask mask) {
  if (x.numel() == 0) return;
  dispatch_floating("dropout", x.dtype(), [&]<class T>() {
    launch(dropout_element<T>, ceil_div(x.numel(), block_size), block_size, 0, y.data<T>(),
           x.data<T>(), step.data<int64_t>(), mask, size_t(x.numel()));
  });
}

void vector(Tensor& y, const Tensor& x, const Tensor& step, DropoutMask mask) {
  if (x.numel() == 0) return;
  const int64_t blocks = std::min(most_blocks, ceil_div(x.numel(), 4 * block_size));
  dispatch_floating("dropout", x.dtype(), [&]<class T>() {
    launch(dropout_vector<T>, blocks, block_size, 0, y.data<T>(), x.data<T>(), step.data<int64_t>(),
           mask, size_t(x.numel()));
  });
}

Fit fits(Tensor& y, const Tensor& x, const Tensor&, DropoutMask) { return fits_vector(y, x); }

}  // namespace

REGISTER_KERNELS(dropout, cuda, tuned, {"vector", vector, fits}, {"element", element});

}  // namespace lathe::kernels
