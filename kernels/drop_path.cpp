// Stochastic depth on the CPU, in chunks of a sample.
//   reference  a plain loop over a chunk's elements, with a factor that may be 0
//   branches   a chunk without its branch is a copy or zeros: nothing is read of x
#include "kernels/drop_path.h"

#include <cstring>

#include "tensor/parallel.h"

namespace lathe::kernels {
namespace {

constexpr int64_t chunk = 1 << 12;

/// Calls f.template operator()<T>(begin, end, kept) for chunks of elements.
template <class F>
void for_chunks(const Tensor& x, const Tensor& step, const DropoutMask& mask, const F& f) {
  if (x.numel() == 0) return;
  const RandomStream random = mask.stream(*step.data<int64_t>());
  const int64_t size = x.numel() / x.dim(0), chunks = (size + chunk - 1) / chunk;
  dispatch_floating("drop_path", x.dtype(), [&]<class T>() {
    parallel_for(0, x.dim(0) * chunks, 1, [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i) {
        const int64_t sample = i / chunks, begin = sample * size + i % chunks * chunk;
        f.template operator()<T>(
            begin, std::min(begin + chunk, (sample + 1) * size),
            DropoutMask::keeps(random.bits(uint64_t(sample)), mask.threshold()));
      }
    });
  });
}

void reference(Tensor& y, const Tensor& x, const Tensor& shortcut, const Tensor& step,
               DropoutMask mask) {
  for_chunks(x, step, mask, [&]<class T>(int64_t begin, int64_t end, bool kept) {
    using Acc = acc_t<T>;
    const T *const in = x.data<T>(), *const added = shortcut ? shortcut.data<T>() : nullptr;
    T* const out = y.data<T>();
    const Acc scale = Acc(mask.scale());
    for (int64_t i = begin; i < end; ++i)
      out[i] = T((added ? Acc(added[i]) : Acc(0)) + (kept ? scale * Acc(in[i]) : Acc(0)));
  });
}

template <class T>
void write_chunk(T* y, const T* x, const T* shortcut, int64_t count, acc_t<T> scale) {
  using Acc = acc_t<T>;
  if (shortcut)
    for (int64_t i = 0; i < count; ++i) y[i] = T(Acc(shortcut[i]) + scale * Acc(x[i]));
  else
    for (int64_t i = 0; i < count; ++i) y[i] = T(scale * Acc(x[i]));
}

void branches(Tensor& y, const Tensor& x, const Tensor& shortcut, const Tensor& step,
              DropoutMask mask) {
  for_chunks(x, step, mask, [&]<class T>(int64_t begin, int64_t end, bool kept) {
    const T* const added = shortcut ? shortcut.data<T>() + begin : nullptr;
    T* const out = y.data<T>() + begin;
    const size_t bytes = size_t(end - begin) * sizeof(T);
    if (kept)
      write_chunk(out, x.data<T>() + begin, added, end - begin, acc_t<T>(mask.scale()));
    else if (!added)
      std::memset(static_cast<void*>(out), 0, bytes);
    else if (added != out)
      std::memcpy(static_cast<void*>(out), added, bytes);
  });
}

}  // namespace

REGISTER_KERNELS(drop_path, cpu, reference, {"reference", reference});
REGISTER_KERNELS(drop_path, cpu, tuned, {"branches", branches});

}  // namespace lathe::kernels
