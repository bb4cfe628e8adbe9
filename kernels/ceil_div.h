// How many of b make up a, the last one perhaps not whole.
#pragma once

#include "tensor/dtype.h"

namespace lathe::kernels {

template <class Integer, class Divisor>
INLINE_HOST_DEVICE constexpr Integer ceil_div(Integer a, Divisor b) {
  return (a + Integer(b) - 1) / Integer(b);
}

}  // namespace lathe::kernels
