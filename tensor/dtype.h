// Element types: their names and sizes, the two 16-bit floats as structs bit-equal to the
// hardware's, the type in which each accumulates, and the dispatch from a DType to a C++ type.
// Usable in device code.
#pragma once

#include <bit>
#include <cstdint>
#include <iosfwd>
#include <type_traits>

#include "tensor/check.h"

#if defined(__CUDACC__)
#define HOST_DEVICE __host__ __device__
#else
#define HOST_DEVICE
#endif
/// For small functions of inner loops that must never be called, only inlined.
#define INLINE_HOST_DEVICE [[gnu::always_inline]] HOST_DEVICE inline

namespace lathe {

enum class DType : uint8_t { f32, f64, bf16, f16, i64, i32, u8 };

const char* name(DType dtype);
int64_t size_of(DType dtype);
/// "f32" and so on; throws Error(usage) with the known names.
DType dtype_from_name(const std::string& name);
std::ostream& operator<<(std::ostream& out, DType dtype);
constexpr bool is_floating(DType dtype) { return dtype <= DType::f16; }

/// bfloat16: the upper half of a float. Conversion from float rounds to nearest even; NaN stays
/// NaN.
struct bf16 {
  uint16_t bits = 0;
  bf16() = default;
  HOST_DEVICE explicit bf16(float value) {
    const uint32_t u = std::bit_cast<uint32_t>(value);
    const bool nan = (u & 0x7fffffffu) > 0x7f800000u;
    bits = static_cast<uint16_t>(nan ? (u >> 16) | 0x40u : (u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
  }
  HOST_DEVICE explicit operator float() const {
    return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
  }
  HOST_DEVICE explicit operator double() const { return static_cast<double>(float(*this)); }
};

/// IEEE binary16. Conversion from float rounds to nearest even; overflow gives Inf, NaN stays NaN.
struct f16 {
  uint16_t bits = 0;
  f16() = default;
  HOST_DEVICE explicit f16(float value) {
    const uint32_t u = std::bit_cast<uint32_t>(value), sign = (u >> 16) & 0x8000u,
                   magnitude = u & 0x7fffffffu;
    uint32_t half;
    if (magnitude > 0x7f800000u) {
      half = 0x7e00u;
    } else if (magnitude >= 0x477ff000u) {  // 65520 and more round to Inf
      half = 0x7c00u;
    } else if (magnitude < 0x38800000u) {  // below 2^-14: adding 0.5 leaves the subnormal's bits,
                                           // rounded, at the end
      half = std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) - 0x3f000000u;
    } else {
      half = (magnitude - 0x38000000u + 0xfffu + ((magnitude >> 13) & 1u)) >> 13;
    }
    bits = static_cast<uint16_t>(sign | half);
  }
  HOST_DEVICE explicit operator float() const {
    const uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16, rest = bits & 0x7fffu;
    uint32_t u;
    if (rest >= 0x7c00u) {
      u = 0x7f800000u | (rest & 0x3ffu) << 13;
    } else if (rest >= 0x400u) {
      u = (rest << 13) + 0x38000000u;
    } else {  // subnormal: rest * 2^-24
      u = std::bit_cast<uint32_t>(static_cast<float>(rest) * 0x1p-24f);
    }
    return std::bit_cast<float>(sign | u);
  }
  HOST_DEVICE explicit operator double() const { return static_cast<double>(float(*this)); }
};

/// The type in which sums of T are kept: float for 16-bit floats and float, double for double.
template <class T>
using acc_t = std::conditional_t<std::is_same_v<T, double>, double, float>;

template <class T>
inline constexpr DType dtype_of = [] {
  if constexpr (std::is_same_v<T, float>)
    return DType::f32;
  else if constexpr (std::is_same_v<T, double>)
    return DType::f64;
  else if constexpr (std::is_same_v<T, bf16>)
    return DType::bf16;
  else if constexpr (std::is_same_v<T, f16>)
    return DType::f16;
  else if constexpr (std::is_same_v<T, int64_t>)
    return DType::i64;
  else if constexpr (std::is_same_v<T, int32_t>)
    return DType::i32;
  else {
    static_assert(std::is_same_v<T, uint8_t>, "not an element type of tensors");
    return DType::u8;
  }
}();

/// Calls f.template operator()<T>() with T = float or double; other types throw, naming the op.
template <class F>
auto dispatch_float(const char* op, DType dtype, F&& f) {
  switch (dtype) {
    case DType::f32:
      return f.template operator()<float>();
    case DType::f64:
      return f.template operator()<double>();
    default:
      fail(ErrorKind::usage, op, ": expects f32 or f64, got ", name(dtype));
  }
}

/// As dispatch_float, with bf16 and f16 too.
template <class F>
auto dispatch_floating(const char* op, DType dtype, F&& f) {
  switch (dtype) {
    case DType::bf16:
      return f.template operator()<bf16>();
    case DType::f16:
      return f.template operator()<f16>();
    case DType::f32:
      return f.template operator()<float>();
    case DType::f64:
      return f.template operator()<double>();
    default:
      fail(ErrorKind::usage, op, ": expects a floating type, got ", name(dtype));
  }
}

/// Calls f with the C++ type of any dtype.
template <class F>
auto dispatch_all(DType dtype, F&& f) {
  switch (dtype) {
    case DType::f32:
      return f.template operator()<float>();
    case DType::f64:
      return f.template operator()<double>();
    case DType::bf16:
      return f.template operator()<bf16>();
    case DType::f16:
      return f.template operator()<f16>();
    case DType::i64:
      return f.template operator()<int64_t>();
    case DType::i32:
      return f.template operator()<int32_t>();
    case DType::u8:
      break;
  }
  return f.template operator()<uint8_t>();
}

}  // namespace lathe
