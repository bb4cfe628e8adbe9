// The passes of resize() for AVX2. A weight of 23 bits is split into a high part and a low one of
// 11 bits: both are 16-bit numbers then, and one instruction multiplies two pixels by two weights
// and adds the products. high * 2^11 + low is the plain loops' sum, to the bit (sums wrap alike).
#include "data/transforms/resample.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include <cstring>

#define AVX2 __attribute__((target("avx2")))

namespace lathe::image {
namespace {

constexpr int low_bits = 11, rows_together = 4;
constexpr int32_t half = 1 << (places - 1);

/// For each four weights: their high parts, then their low ones; 8 numbers of 16 bits.
std::vector<int16_t> split(const std::vector<int32_t>& weights) {
  std::vector<int16_t> parts(weights.size() * 2);
  for (size_t i = 0; i < weights.size(); ++i) {
    const size_t at = i / 4 * 8 + i % 4;
    parts[at] = int16_t(weights[i] >> low_bits);
    parts[at + 4] = int16_t(weights[i] & ((1 << low_bits) - 1));
  }
  return parts;
}

/// Four pixels, the first two in the lower half: r r g g b b 0 0 as 16-bit numbers.
AVX2 inline __m256i pairs_of_pixels(const uint8_t* pixels) {
  const __m256i order =
      _mm256_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1, 6, -1, 9, -1, 7,
                       -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1);
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(pixels));
  return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(bytes), order);
}

/// One output pixel's sums of a row, 22 places shifted out.
AVX2 inline __m128i finished(__m256i high, __m256i low) {
  const __m256i both = _mm256_add_epi32(_mm256_slli_epi32(high, low_bits), low);
  const __m128i sum =
      _mm_add_epi32(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1));
  return _mm_srai_epi32(_mm_add_epi32(sum, _mm_set1_epi32(half)), places);
}

/// Rows side by side, so that each weight is loaded once for all of them.
AVX2 void four_rows(uint8_t* const (&to)[rows_together],
                    const uint8_t* const (&from)[rows_together], const Taps& taps,
                    const int16_t* weights) {
  const __m256i first_half = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);
  const __m256i second_half = _mm256_setr_epi32(2, 2, 2, 2, 3, 3, 3, 3);
  for (int64_t x = 0; x < taps.out; ++x) {
    __m256i high[rows_together], low[rows_together];
    for (int r = 0; r < rows_together; ++r) high[r] = low[r] = _mm256_setzero_si256();
    const int64_t begin = int64_t(taps.first[size_t(x)]) * 3;
    for (int64_t at = begin; at < begin + taps.each * 3; at += taps_together * 3, weights += 8) {
      const __m256i parts =
          _mm256_castsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(weights)));
      const __m256i by_high = _mm256_permutevar8x32_epi32(parts, first_half);
      const __m256i by_low = _mm256_permutevar8x32_epi32(parts, second_half);
      for (int r = 0; r < rows_together; ++r) {
        const __m256i pixels = pairs_of_pixels(from[r] + at);
        high[r] = _mm256_add_epi32(high[r], _mm256_madd_epi16(pixels, by_high));
        low[r] = _mm256_add_epi32(low[r], _mm256_madd_epi16(pixels, by_low));
      }
    }
    const __m128i a = _mm_packs_epi32(finished(high[0], low[0]), finished(high[1], low[1]));
    const __m128i b = _mm_packs_epi32(finished(high[2], low[2]), finished(high[3], low[3]));
    alignas(16) uint8_t bytes[16];
    _mm_store_si128(reinterpret_cast<__m128i*>(bytes), _mm_packus_epi16(a, b));
    for (int r = 0; r < rows_together; ++r) std::memcpy(to[r] + x * 3, bytes + 4 * r, 4);
  }
}

void along_rows(Rows& to, const Image& from, int64_t first_row, const Taps& taps) {
  // Vectors and weights of zero read past a row's end: the last rows are read from a longer copy.
  const int64_t past = (taps.each + taps_together) * 3 + 16, stride = from.width * 3;
  const uint8_t* const end = from.pixels.data() + from.pixels.size();
  ReusedVector<uint8_t> copies(size_t(rows_together * (stride + past)));
  const std::vector<int16_t> weights = split(taps.weights);
  for (int64_t y = 0; y < to.height; y += rows_together) {
    const uint8_t* in[rows_together];
    uint8_t* out[rows_together];
    for (int r = 0; r < rows_together; ++r) {
      const int64_t row = std::min(y + r, to.height - 1);  // the last row more than once
      in[r] = from.row(first_row + row);
      out[r] = to.row(row);
      if (end - in[r] >= stride + past) continue;
      uint8_t* const copy = copies.data() + r * (stride + past);
      std::memcpy(copy, in[r], size_t(stride));
      in[r] = copy;
    }
    four_rows(out, in, taps, weights.data());
  }
}

/// 16 bytes of two rows, a byte of each side by side as 16-bit numbers.
struct Pairs {
  __m256i even, odd;
};
AVX2 inline __m256i words_at(const uint8_t* p) {
  return _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
AVX2 inline Pairs pairs_of_rows(const uint8_t* a, const uint8_t* b) {
  const __m256i x = words_at(a), y = words_at(b);
  return {_mm256_unpacklo_epi16(x, y), _mm256_unpackhi_epi16(x, y)};
}

/// Two numbers of 16 bits, again and again.
AVX2 inline __m256i repeated(int32_t a, int32_t b) {
  return _mm256_set1_epi32(int32_t(uint32_t(b) << 16 | uint16_t(a)));
}

/// One row of the result, written in whole vectors of 16 bytes.
AVX2 void one_row(uint8_t* to, int64_t bytes, const uint8_t* const* rows, const int32_t* weights,
                  int64_t count) {
  for (int64_t x = 0; x < bytes; x += 16) {
    __m256i high[2] = {}, low[2] = {};
    for (int64_t i = 0; i < count; i += 2) {
      const Pairs pixels = pairs_of_rows(rows[i] + x, rows[i + 1] + x);
      const int32_t a = weights[i], b = weights[i + 1], mask = (1 << low_bits) - 1;
      const __m256i by_high = repeated(a >> low_bits, b >> low_bits);
      const __m256i by_low = repeated(a & mask, b & mask);
      high[0] = _mm256_add_epi32(high[0], _mm256_madd_epi16(pixels.even, by_high));
      high[1] = _mm256_add_epi32(high[1], _mm256_madd_epi16(pixels.odd, by_high));
      low[0] = _mm256_add_epi32(low[0], _mm256_madd_epi16(pixels.even, by_low));
      low[1] = _mm256_add_epi32(low[1], _mm256_madd_epi16(pixels.odd, by_low));
    }
    __m256i sums[2];
    for (int i = 0; i < 2; ++i) {
      sums[i] = _mm256_add_epi32(_mm256_slli_epi32(high[i], low_bits), low[i]);
      sums[i] = _mm256_srai_epi32(_mm256_add_epi32(sums[i], _mm256_set1_epi32(half)), places);
    }
    const __m256i words = _mm256_packs_epi32(sums[0], sums[1]);  // in their old order again
    const __m128i packed =
        _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + x), packed);
  }
}

void along_columns(Image& to, const Rows& from, const Taps& taps) {
  const int64_t stride = to.width * 3, written = (stride + 15) / 16 * 16;
  const uint8_t* const end = to.pixels.data() + to.pixels.size();
  std::vector<uint8_t> last(static_cast<size_t>(written));
  std::vector<const uint8_t*> rows(static_cast<size_t>(taps.each));
  for (int64_t y = 0; y < taps.out; ++y) {
    const int32_t* const weights = &taps.weights[size_t(y * taps.each)];
    int64_t count = taps.each;  // without the zeros at the end
    while (count > 2 && weights[count - 1] == 0 && weights[count - 2] == 0) count -= 2;
    for (int64_t i = 0; i < count; ++i)
      rows[size_t(i)] = from.row(std::min<int64_t>(taps.first[size_t(y)] + i, taps.in - 1));
    // A vector may reach into the next row, which is written later, but not past the image.
    const bool fits = end - to.row(y) >= written;
    one_row(fits ? to.row(y) : last.data(), stride, rows.data(), weights, count);
    if (!fits) std::memcpy(to.row(y), last.data(), size_t(stride));
  }
}

constexpr Passes passes = {along_rows, along_columns};

}  // namespace

const Passes* avx2_passes() {
  static const bool has = __builtin_cpu_supports("avx2");
  return has ? &passes : nullptr;
}

}  // namespace lathe::image
#else
const lathe::image::Passes* lathe::image::avx2_passes() { return nullptr; }
#endif
