// The one way to use several cores: a static partition of a range over OpenMP's threads, the pool
// that oneDNN and OpenBLAS use too. The same range, grain and number of threads give the same
// parts, so results repeat to the byte.
#pragma once

#include <algorithm>
#include <cstdint>
#include <exception>
#include <mutex>

namespace lathe {

/// Threads that parallel_for uses, at least 1.
int num_threads();
void set_num_threads(int threads);
/// True inside a parallel_for: nested calls run on the calling thread.
bool in_parallel();

namespace detail {
void run_parallel(int parts, void (*body)(void*, int), void* context);
}

/// The part of [begin, end) that is the i-th of `parts` nearly equal ones, cut at multiples of
/// `unit` from begin.
struct Part {
  int64_t begin, end;
};
inline Part part_of(int64_t begin, int64_t end, int i, int parts, int64_t unit = 1) {
  const int64_t units = (end - begin + unit - 1) / unit;
  const int64_t first = units * i / parts, last = units * (i + 1) / parts;
  return {std::min(end, begin + first * unit), std::min(end, begin + last * unit)};
}

/// Calls body(first, last) for parts of [begin, end) of at least `grain` elements each, on several
/// threads where that pays. An exception of a part is thrown again here, the first one when there
/// are several.
template <class Body>
void parallel_for(int64_t begin, int64_t end, int64_t grain, const Body& body) {
  const int64_t count = end - begin;
  if (count <= 0) return;
  const int64_t wanted = count / std::max<int64_t>(grain, 1);
  const int parts = int(std::clamp<int64_t>(wanted, 1, num_threads()));
  if (parts == 1 || in_parallel()) return body(begin, end);
  struct Context {
    const Body& body;
    int64_t begin, end;
    int parts;
    std::exception_ptr error;
    std::mutex mutex;
  } context{body, begin, end, parts, nullptr, {}};
  detail::run_parallel(
      parts,
      [](void* opaque, int i) {
        auto& c = *static_cast<Context*>(opaque);
        const Part part = part_of(c.begin, c.end, i, c.parts);
        try {
          c.body(part.begin, part.end);
        } catch (...) {
          std::lock_guard lock(c.mutex);
          if (!c.error) c.error = std::current_exception();
        }
      },
      &context);
  if (context.error) std::rethrow_exception(context.error);
}

}  // namespace lathe
