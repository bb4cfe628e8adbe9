// Writing results that are larger than the caches. An ordinary store first reads the line that it
// is going to overwrite; a streaming store does not, which is a third of the traffic of a copy. It
// also leaves nothing in the caches, so it is for large results only.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

namespace lathe::kernels {

/// Results of at least this many bytes are streamed: more than the last cache of most machines.
inline constexpr int64_t streaming_bytes = 32 << 20;

/// Copies bytes past the caches. Call stream_fence() before another thread may read them.
inline void stream_copy(void* to, const void* from, int64_t bytes) {
#if defined(__x86_64__)
  char* out = static_cast<char*>(to);
  const char* in = static_cast<const char*>(from);
  const int64_t head = std::min<int64_t>(bytes, int64_t(-reinterpret_cast<uintptr_t>(out) & 15));
  std::memcpy(out, in, size_t(head));
  int64_t i = head;
  for (; i + 16 <= bytes; i += 16)
    _mm_stream_si128(reinterpret_cast<__m128i*>(out + i),
                     _mm_loadu_si128(reinterpret_cast<const __m128i*>(in + i)));
  std::memcpy(out + i, in + i, size_t(bytes - i));
#else
  std::memcpy(to, from, size_t(bytes));
#endif
}
inline void stream_fence() {
#if defined(__x86_64__)
  _mm_sfence();
#endif
}

/// y[i] = value(i) for begin <= i < end. With `stream`, values are made in a block that stays in
/// the first cache and are copied from there past the caches.
template <class T, class Value>
void write_elements(T* y, int64_t begin, int64_t end, bool stream, const Value& value) {
  constexpr int64_t block = 1024 / sizeof(T);
  int64_t i = begin;
  if (stream) {
    alignas(64) T values[block];
    for (; i + block <= end; i += block) {
      for (int64_t j = 0; j < block; ++j) values[j] = value(i + j);
      stream_copy(y + i, values, int64_t(sizeof values));
    }
    stream_fence();
  }
  for (; i < end; ++i) y[i] = value(i);
}

}  // namespace lathe::kernels
