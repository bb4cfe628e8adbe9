// Dropout on the CPU.
//   reference  plain loop; computes four random words for each element and uses one
//   blocks     four elements at a time, which share a Philox block
#include "kernels/dropout.h"

#include <array>

#include "tensor/parallel.h"

namespace lathe::kernels {
namespace {

/// All elements, in groups of `group`: words(i) gives the random words of the group that
/// begins at element i.
template <int group, class Words>
void drop(Tensor& y, const Tensor& x, DropoutMask mask, const Words& words) {
  const uint32_t threshold = mask.threshold();
  dispatch_floating("dropout", x.dtype(), [&]<class T>() {
    using Acc = acc_t<T>;
    const Acc scale = Acc(mask.scale());
    const T* const from = x.data<T>();
    T* const to = y.data<T>();
    const int64_t count = x.numel();
    parallel_for(0, (count + group - 1) / group, 1 << 10, [&](int64_t first, int64_t last) {
      for (int64_t begin = first * group; begin < std::min(last * group, count); begin += group) {
        const std::array<uint32_t, group> bits = words(begin);
        const int64_t length = std::min<int64_t>(group, count - begin);
        for (int64_t k = 0; k < length; ++k)
          to[begin + k] =
              T(DropoutMask::keeps(bits[size_t(k)], threshold) ? scale * Acc(from[begin + k])
                                                               : Acc(0));
      }
    });
  });
}

void dropout_reference(Tensor& y, const Tensor& x, const Tensor& step, DropoutMask mask) {
  const RandomStream random = mask.stream(*step.data<int64_t>());
  drop<1>(y, x, mask, [&](int64_t i) { return std::array{random.bits(uint64_t(i))}; });
}

void dropout_blocks(Tensor& y, const Tensor& x, const Tensor& step, DropoutMask mask) {
  const RandomStream random = mask.stream(*step.data<int64_t>());
  drop<4>(y, x, mask, [&](int64_t i) {
    const Philox4 bits = random.block(uint64_t(i) / 4);
    return std::array{bits.x, bits.y, bits.z, bits.w};
  });
}

}  // namespace

REGISTER_KERNELS(dropout, cpu, reference, {"reference", dropout_reference});
REGISTER_KERNELS(dropout, cpu, tuned, {"blocks", dropout_blocks});

}  // namespace lathe::kernels
