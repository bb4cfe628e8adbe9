#include "tensor/dtype.h"

#include <cmath>
#include <limits>

#include "tests/support.h"

using namespace lathe;

TEST_CASE("bf16 rounds to nearest even, keeps NaN and Inf") {
  CHECK_EQ(bf16(1.0f).bits, 0x3f80);
  CHECK_EQ(bf16(std::bit_cast<float>(0x3f808000u)).bits, 0x3f80);  // a tie goes to the even one
  CHECK_EQ(bf16(std::bit_cast<float>(0x3f818000u)).bits, 0x3f82);
  CHECK_EQ(bf16(std::bit_cast<float>(0x3f808001u)).bits, 0x3f81);
  CHECK_EQ(bf16(std::numeric_limits<float>::max()).bits, 0x7f80);
  CHECK(std::isnan(float(bf16(std::nanf("")))));
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    bf16 value;
    value.bits = uint16_t(bits);
    if (!std::isnan(float(value))) CHECK_EQ(bf16(float(value)).bits, value.bits);
  }
}

#if defined(__FLT16_MANT_DIG__)  // clang 14 has no half on x86-64
TEST_CASE("f16 equals the compiler's half for every value and for random floats") {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    f16 value;
    value.bits = uint16_t(bits);
    const float expected = float(std::bit_cast<_Float16>(value.bits));
    if (std::isnan(expected)) continue;
    CHECK_EQ(float(value), expected);
    CHECK_EQ(f16(float(value)).bits, value.bits);
  }
  uint32_t state = 1;
  int wrong = 0;
  for (int i = 0; i < 1000000; ++i) {
    state = state * 1664525u + 1013904223u;
    const float value = std::bit_cast<float>((state & 0x9fffffffu) +
                                             0x30000000u);  // the exponents around f16's range
    if (std::isnan(value)) continue;
    wrong += f16(value).bits != std::bit_cast<uint16_t>(static_cast<_Float16>(value));
  }
  CHECK_EQ(wrong, 0);
}
#endif

TEST_CASE("dtypes have names") {
  CHECK_EQ(dtype_from_name("bf16"), DType::bf16);
  CHECK_EQ(tests::message_of([] { dtype_from_name("float"); }),
           "dtype: expects f32, f64, bf16, f16, i64, i32 or u8, got 'float'");
}
