// fill, copy, cast and accumulate on the CPU: what the tensor itself needs (declared in
// tensor/basic_kernels.h).
//   x = value        y = x        y = T(x)        sum = a + b
// They move memory and nothing else, so the reference rows are fast enough: loops that the compiler
// vectorises, cut into parts of 16 Ki elements or more for the threads. Results larger than the
// caches are written past them (kernels/streaming.h).
#include "tensor/basic_kernels.h"

#include <cstring>

#include "kernels/convert.h"
#include "kernels/streaming.h"
#include "tensor/parallel.h"

namespace lathe::kernels {
namespace {

constexpr int64_t grain = 1 << 14;

bool overlap(const Tensor& x, const Tensor& y) {
  return x.raw() < y.raw() + y.bytes() && y.raw() < x.raw() + x.bytes();
}

void fill_reference(Tensor& x, double value) {
  dispatch_all(x.dtype(), [&]<class T>() {
    T* const elements = x.data<T>();
    const T converted = convert<T>(value);
    parallel_for(0, x.numel(), grain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) elements[i] = converted;
    });
  });
}

void copy_reference(Tensor& y, const Tensor& x) {
  const int64_t size = size_of(x.dtype());
  if (overlap(x, y)) {  // parts in parallel would read what others have written
    std::memmove(y.raw(), x.raw(), size_t(y.bytes()));
    return;
  }
  const bool stream = y.bytes() >= streaming_bytes;
  parallel_for(0, x.numel(), grain, [&](int64_t begin, int64_t end) {
    const int64_t at = begin * size, bytes = (end - begin) * size;
    if (!stream) {
      std::memcpy(y.raw() + at, x.raw() + at, size_t(bytes));
      return;
    }
    stream_copy(y.raw() + at, x.raw() + at, bytes);
    stream_fence();
  });
}

void cast_reference(Tensor& y, const Tensor& x) {
  dispatch_all(x.dtype(), [&]<class From>() {
    dispatch_all(y.dtype(), [&]<class To>() {
      const From* const from = x.data<From>();
      To* const to = y.data<To>();
      const bool stream = y.bytes() >= streaming_bytes;
      parallel_for(0, x.numel(), grain, [&](int64_t begin, int64_t end) {
        write_elements(to, begin, end, stream, [&](int64_t i) { return convert<To>(from[i]); });
      });
    });
  });
}

void accumulate_reference(Tensor& sum, const Tensor& a, const Tensor& b) {
  dispatch_floating("accumulate", sum.dtype(), [&]<class T>() {
    using Acc = acc_t<T>;
    const T *const left = a.data<T>(), *const right = b.data<T>();
    T* const result = sum.data<T>();
    const bool stream = sum.bytes() >= streaming_bytes && !overlap(sum, a) && !overlap(sum, b);
    parallel_for(0, sum.numel(), grain, [&](int64_t begin, int64_t end) {
      write_elements(result, begin, end, stream,
                     [&](int64_t i) { return T(Acc(left[i]) + Acc(right[i])); });
    });
  });
}

}  // namespace

REGISTER_KERNELS(fill, cpu, reference, {"reference", fill_reference});
REGISTER_KERNELS(copy, cpu, reference, {"reference", copy_reference});
REGISTER_KERNELS(cast, cpu, reference, {"reference", cast_reference});
REGISTER_KERNELS(accumulate, cpu, reference, {"reference", accumulate_reference});

}  // namespace lathe::kernels
