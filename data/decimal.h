// Decimal text to the nearest double, exact to the last bit and fast for the numbers that files of
// measurements hold: up to 19 digits whose integer fits 53 bits, scaled by at most 10^22, take one
// exact multiplication or division; all others go to std::from_chars.
#pragma once

#include <charconv>
#include <cmath>
#include <cstdint>

namespace lathe {

/// Numbers that std::from_chars decides; false when the magnitude overflows.
inline bool parse_decimal_slowly(const char* begin, const char* end, double& value) {
  if (*begin == '+') ++begin;
  const auto result = std::from_chars(begin, end, value);
  if (result.ec != std::errc::result_out_of_range) return std::isfinite(value);
  // Too large, or so small that it is zero: the exponent's sign tells, as no cell has 300 digits
  // that an exponent of the other sign outweighs.
  const char* exponent = begin;
  while (exponent != end && (*exponent | 0x20) != 'e') ++exponent;
  value = *begin == '-' ? -0.0 : 0.0;
  if (*begin == '-') ++begin;
  return exponent != end ? exponent + 1 != end && exponent[1] == '-'
                         : *begin == '0' || *begin == '.';
}

/// Parses [+-]digits[.digits][e[+-]digits] at `p`, digits on one side of the point at least.
/// Returns the end of the number; null where none begins or where it overflows. Words such as nan
/// are no numbers. Clinger, "How to read floating point numbers accurately", PLDI 1990 (the fast
/// path).
inline const char* parse_decimal(const char* p, const char* end, double& value) {
  static constexpr double power[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                     1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                     1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  const char* const begin = p;
  const bool negative = p != end && *p == '-';
  if (p != end && (*p == '-' || *p == '+')) ++p;
  uint64_t mantissa = 0;
  const auto digits = [&] {
    const char* const first = p;
    for (; p != end && uint8_t(*p - '0') < 10; ++p) mantissa = mantissa * 10 + uint64_t(*p - '0');
    return p - first;
  };
  int64_t count = digits(), exponent = 0;
  if (p != end && *p == '.') {
    ++p;
    exponent = -digits();
    count -= exponent;
  }
  if (count == 0) return nullptr;
  if (p != end && (*p | 0x20) == 'e') {
    ++p;
    const bool minus = p != end && *p == '-';
    if (p != end && (*p == '-' || *p == '+')) ++p;
    const char* const first = p;
    int64_t written = 0;
    for (; p != end && uint8_t(*p - '0') < 10; ++p)
      if (written < 100000) written = written * 10 + (*p - '0');
    if (p == first) return nullptr;
    exponent += minus ? -written : written;
  }
  if (count <= 19 && mantissa <= uint64_t(1) << 53 && exponent >= -22 && exponent <= 22)
      [[likely]] {
    const double whole = double(mantissa);
    const double size = exponent < 0 ? whole / power[-exponent] : whole * power[exponent];
    value = negative ? -size : size;
    return p;
  }
  return parse_decimal_slowly(begin, p, value) ? p : nullptr;
}

}  // namespace lathe
