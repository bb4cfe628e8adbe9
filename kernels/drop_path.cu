// Stochastic depth on the device. Formula: kernels/drop_path.h; random numbers: Philox 4x32-10, the
// same bits as on the CPU.
// Layout: flat arrays; the step is read from device memory, so that a captured graph draws anew.
// A sample has one random word, which every block of it computes.
//   element  an element a thread: twenty rounds of Philox for each
//   vector   a block goes over a piece of a sample, 16 bytes a thread and access; of a dropped
//            branch nothing is read
#include "kernels/drop_path.h"

#include "kernels/device.cuh"

namespace lathe::kernels {
namespace {

constexpr int threads = 256;
constexpr int64_t piece_bytes = 1 << 15;  // of a sample, for a block

__device__ __forceinline__ bool keeps(const DropoutMask& mask, const int64_t* step, int64_t n) {
  return DropoutMask::keeps(mask.stream(*step).bits(uint64_t(n)), mask.threshold());
}

template <class T>
__global__ void drop_element(T* y, const T* x, const T* shortcut, const int64_t* step,
                             DropoutMask mask, int64_t count, int64_t size) {
  using Acc = acc_t<T>;
  const int64_t i = int64_t(blockIdx.x) * threads + threadIdx.x;
  if (i >= count) return;
  const Acc added = shortcut ? Acc(shortcut[i]) : Acc(0);
  const Acc branch = keeps(mask, step, i / size) ? Acc(mask.scale()) * Acc(x[i]) : Acc(0);
  y[i] = T(added + branch);
}

/// Grid: samples times pieces of a sample.
template <class T>
__global__ void drop_vector(T* y, const T* x, const T* shortcut, const int64_t* step,
                            DropoutMask mask, int64_t size, int64_t pieces) {
  using Acc = acc_t<T>;
  constexpr int width = int(16 / sizeof(T));
  constexpr int64_t piece = piece_bytes / int64_t(sizeof(T));
  const int64_t n = int64_t(blockIdx.x) / pieces, begin = int64_t(blockIdx.x) % pieces * piece;
  const int64_t end = min(size, begin + piece);
  const bool kept = keeps(mask, step, n);
  const Acc scale = Acc(mask.scale());
  for (int64_t i = begin + int(threadIdx.x) * width; i < end; i += threads * width) {
    const int64_t at = n * size + i;
    Vector<T, width> out, branch;
    if (shortcut) out = load_vector<width>(shortcut + at);
    if (kept) branch = load_vector<width>(x + at);
    UNROLL
    for (int k = 0; k < width; ++k) {
      const Acc added = shortcut ? Acc(out[k]) : Acc(0);
      out[k] = T(added + (kept ? scale * Acc(branch[k]) : Acc(0)));
    }
    store_vector<width>(y + at, out);
  }
}

template <class T>
const T* elements_or_null(const Tensor& x) {
  return x ? x.data<T>() : nullptr;
}

void element(Tensor& y, const Tensor& x, const Tensor& shortcut, const Tensor& step,
             DropoutMask mask) {
  if (x.numel() == 0) return;
  dispatch_floating("drop_path", x.dtype(), [&]<class T>() {
    launch(drop_element<T>, ceil_div(x.numel(), threads), threads, 0, y.data<T>(), x.data<T>(),
           elements_or_null<T>(shortcut), step.data<int64_t>(), mask, x.numel(),
           x.numel() / x.dim(0));
  });
}

void vector(Tensor& y, const Tensor& x, const Tensor& shortcut, const Tensor& step,
            DropoutMask mask) {
  if (x.numel() == 0) return;
  const int64_t size = x.numel() / x.dim(0);
  const int64_t pieces = ceil_div(size * size_of(x.dtype()), piece_bytes);
  dispatch_floating("drop_path", x.dtype(), [&]<class T>() {
    launch(drop_vector<T>, x.dim(0) * pieces, threads, 0, y.data<T>(), x.data<T>(),
           elements_or_null<T>(shortcut), step.data<int64_t>(), mask, size, pieces);
  });
}

Fit fits(Tensor& y, const Tensor& x, const Tensor& shortcut, const Tensor&, DropoutMask) {
  const auto aligned = [](const Tensor& t) {
    return !t || reinterpret_cast<uintptr_t>(t.raw()) % 16 == 0;
  };
  const bool whole = x.numel() == 0 || x.numel() / x.dim(0) * size_of(x.dtype()) % 16 == 0;
  return whole && aligned(y) && aligned(x) && aligned(shortcut)
             ? Fit()
             : "needs samples in multiples of 16 bytes";
}

}  // namespace

REGISTER_KERNELS(drop_path, cuda, tuned, {"vector", vector, fits}, {"element", element});

}  // namespace lathe::kernels
