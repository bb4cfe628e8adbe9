// A factor for each channel of each image, reference rows: plain loops.
#include "kernels/scale_channels.h"

#include "tensor/parallel.h"

namespace lathe::kernels {
namespace {

void forward_reference(Tensor& y, const Tensor& x, const Tensor& s) {
  const int64_t channels = x.dim(3), pixels = x.dim(1) * x.dim(2);
  dispatch_floating("scale_channels", x.dtype(), [&]<class T>() {
    using Acc = acc_t<T>;
    const T *const in = x.data<T>(), *const factors = s.data<T>();
    T* const out = y.data<T>();
    parallel_for(0, x.dim(0) * pixels, (1 << 12) / (1 + channels) + 1,
                 [&](int64_t first, int64_t last) {
                   for (int64_t i = first; i < last; ++i) {
                     const T* const factor = factors + i / pixels * channels;
                     for (int64_t c = 0; c < channels; ++c)
                       out[i * channels + c] = T(Acc(in[i * channels + c]) * Acc(factor[c]));
                   }
                 });
  });
}

void backward_reference(Tensor& dx, Tensor& ds, const Tensor& dy, const Tensor& x,
                        const Tensor& s) {
  const int64_t channels = x.dim(3), pixels = x.dim(1) * x.dim(2);
  dispatch_floating("scale_channels", x.dtype(), [&]<class T>() {
    using Acc = acc_t<T>;
    const T *const above = dy.data<T>(), *const in = x.data<T>(), *const factors = s.data<T>();
    T *const out = dx.data<T>(), *const sums = ds.data<T>();
    parallel_for(0, x.dim(0) * channels, (1 << 12) / (1 + pixels) + 1,
                 [&](int64_t first, int64_t last) {
                   for (int64_t i = first; i < last; ++i) {
                     const int64_t begin = i / channels * pixels * channels + i % channels;
                     Acc sum = 0;
                     for (int64_t j = begin; j < begin + pixels * channels; j += channels) {
                       sum += Acc(above[j]) * Acc(in[j]);
                       out[j] = T(Acc(above[j]) * Acc(factors[i]));
                     }
                     sums[i] = T(sum);
                   }
                 });
  });
}

}  // namespace

REGISTER_KERNELS(scale_channels_forward, cpu, reference, {"reference", forward_reference});
REGISTER_KERNELS(scale_channels_backward, cpu, reference, {"reference", backward_reference});

}  // namespace lathe::kernels
