// Conversion of one element to another type, on every device: 16-bit floats go through float.
#pragma once

#include "tensor/dtype.h"

namespace lathe::kernels {

template <class To, class From>
HOST_DEVICE To convert(From x) {
  if constexpr (std::is_same_v<To, From>)
    return x;
  else if constexpr (std::is_same_v<From, bf16> || std::is_same_v<From, f16>)
    return convert<To>(float(x));
  else if constexpr (std::is_same_v<To, bf16> || std::is_same_v<To, f16>)
    return To(float(x));
  else
    return static_cast<To>(x);
}

}  // namespace lathe::kernels
