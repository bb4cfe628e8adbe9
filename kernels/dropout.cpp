// Dropout on the CPU.
//   reference  plain loop; computes four random words for each element and uses one
//   blocks     four elements at a time, which share a Philox block
#include "kernels/dropout.h"

#include "tensor/parallel.h"

namespace lathe::kernels {
namespace {

void dropout_reference(Tensor& y, const Tensor& x, const Tensor& step, DropoutMask mask) {
  const RandomStream random = mask.stream(*step.data<int64_t>());
  const uint32_t threshold = mask.threshold();
  dispatch_floating("dropout", x.dtype(), [&]<class T>() {
    using Acc = acc_t<T>;
    const Acc scale = Acc(mask.scale());
    const T* const from = x.data<T>();
    T* const to = y.data<T>();
    parallel_for(0, x.numel(), 1 << 10, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        to[i] = T(DropoutMask::keeps(random.bits(uint64_t(i)), threshold) ? scale * Acc(from[i])
                                                                          : Acc(0));
    });
  });
}

void dropout_blocks(Tensor& y, const Tensor& x, const Tensor& step, DropoutMask mask) {
  const RandomStream random = mask.stream(*step.data<int64_t>());
  const uint32_t threshold = mask.threshold();
  dispatch_floating("dropout", x.dtype(), [&]<class T>() {
    using Acc = acc_t<T>;
    const Acc scale = Acc(mask.scale());
    const T* const from = x.data<T>();
    T* const to = y.data<T>();
    const int64_t count = x.numel();
    parallel_for(0, (count + 3) / 4, 1 << 10, [&](int64_t first, int64_t last) {
      for (int64_t block = first; block < last; ++block) {
        const Philox4 bits = random.block(uint64_t(block));
        const uint32_t words[4] = {bits.x, bits.y, bits.z, bits.w};
        const int64_t begin = 4 * block, length = std::min<int64_t>(4, count - begin);
        for (int64_t k = 0; k < length; ++k)
          to[begin + k] =
              T(DropoutMask::keeps(words[k], threshold) ? scale * Acc(from[begin + k]) : Acc(0));
      }
    });
  });
}

}  // namespace

REGISTER_KERNELS(dropout, cpu, reference, {"reference", dropout_reference});
REGISTER_KERNELS(dropout, cpu, tuned, {"blocks", dropout_blocks});

}  // namespace lathe::kernels
