// The epilogue of a matrix product as a pass of its own, for rows of libraries that have none, or
// one whose ReLU turns NaN into 0.
#pragma once

#include "tensor/dtype.h"
#include "tensor/parallel.h"

namespace lathe::kernels {

/// c[i, j] = max(0 if relu, c[i, j] + bias[j]); bias may be null. NaN stays NaN.
template <class T>
void apply_epilogue(T* c, const T* bias, int64_t rows, int64_t columns, bool relu) {
  using Acc = acc_t<T>;
  if (!bias && !relu) return;
  parallel_for(0, rows, std::max<int64_t>(1, (1 << 15) / columns), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      T* const row = c + i * columns;
      if (bias)
        for (int64_t j = 0; j < columns; ++j) row[j] = T(Acc(row[j]) + Acc(bias[j]));
      if (relu)
        for (int64_t j = 0; j < columns; ++j) row[j] = Acc(row[j]) < 0 ? T(Acc(0)) : row[j];
    }
  });
}

}  // namespace lathe::kernels
