#include "layers/layout.h"

#include "tensor/parallel.h"

namespace lathe {
namespace {

/// (N, A, B) to (N, B, A). Elements stay where they are for windows of 1x1 and for one channel.
Tensor swap_last_two(const Tensor& x, int64_t a, int64_t b, const Shape& shape) {
  const Tensor from = x.to(Device::cpu);
  if (a == 1 || b == 1) return from.reshape(shape);
  Tensor to = Tensor::empty(shape, x.dtype());
  dispatch_all(x.dtype(), [&]<class T>() {
    const int64_t count = a * b > 0 ? x.numel() / (a * b) : 0;
    parallel_for(0, count, std::max<int64_t>(1, (1 << 16) / (a * b + 1)),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t n = begin; n < end; ++n) {
                     const T* const in = from.data<T>() + n * a * b;
                     T* const out = to.data<T>() + n * a * b;
                     for (int64_t i = 0; i < b; ++i)
                       for (int64_t j = 0; j < a; ++j) out[i * a + j] = in[j * b + i];
                   }
                 });
  });
  return to;
}

bool changes(const Tensor& x, Layout layout) { return layout == Layout::filters && x.rank() == 4; }

}  // namespace

Shape file_shape(const Shape& s, Layout layout) {
  return layout == Layout::filters && s.rank() == 4 ? Shape({s[0], s[3], s[1], s[2]}) : s;
}

Tensor to_file_layout(const Tensor& x, Layout layout) {
  if (!changes(x, layout)) return x;
  const Shape& s = x.shape();
  return swap_last_two(x, s[1] * s[2], s[3], file_shape(s, layout));
}

Tensor from_file_layout(const Tensor& x, Layout layout) {
  if (!changes(x, layout)) return x;
  const Shape& s = x.shape();
  return swap_last_two(x, s[1], s[2] * s[3], {s[0], s[2], s[3], s[1]});
}

}  // namespace lathe
