// Reductions on the CPU, reference rows: plain loops. Sums are taken in an order that does not
// depend on the number of threads: columns are independent, and a row longer than 16 Ki elements is
// summed in fixed parts.
#include "kernels/reduce.h"

#include <cmath>

#include "kernels/chunked_sum.h"

namespace lathe::kernels {

Rows rows_of(const char* kernel, const Tensor& x, int64_t rows) {
  if (rows == 0) {
    LATHE_CHECK(x.numel() == 0, kernel, ": expects no elements for 0 rows, got shape ", x.shape());
    return {0, x.rank() ? x.dim(-1) : 1};
  }
  LATHE_CHECK(x.numel() % rows == 0, kernel, ": expects ", rows, " rows, got shape ", x.shape());
  return {rows, x.numel() / rows};
}

Rows columns_of(const char* kernel, const Tensor& x, int64_t columns) {
  if (columns == 0) {
    LATHE_CHECK(x.numel() == 0, kernel, ": expects no columns, got shape ", x.shape());
    return {0, 0};
  }
  LATHE_CHECK(x.numel() % columns == 0, kernel, ": expects rows of ", columns,
              " elements, got shape ", x.shape());
  return {x.numel() / columns, columns};
}

namespace {

constexpr int64_t grain = 1 << 14;

/// Rows, or columns, that make a part of about `grain` elements when each has `size`.
int64_t grain_of(int64_t size) { return std::max<int64_t>(1, grain / std::max<int64_t>(1, size)); }

void sum_rows_reference(Tensor& y, const Tensor& x) {
  const Rows s = columns_of("sum_rows", x, y.numel());
  constexpr int64_t tile = 256;
  dispatch_floating("sum_rows", x.dtype(), [&]<class T>() {
    const T* const from = x.data<T>();
    T* const to = y.data<T>();
    parallel_for(0, s.columns, std::max<int64_t>(16, grain_of(s.rows)),
                 [&](int64_t first, int64_t last) {
                   for (int64_t c = first; c < last; c += tile) {
                     const int64_t width = std::min(tile, last - c);
                     acc_t<T> sums[tile] = {};
                     for (int64_t r = 0; r < s.rows; ++r)
                       for (int64_t j = 0; j < width; ++j)
                         sums[j] += acc_t<T>(from[r * s.columns + c + j]);
                     for (int64_t j = 0; j < width; ++j) to[c + j] = T(sums[j]);
                   }
                 });
  });
}

template <class T>
acc_t<T> sum_of(const T* x, int64_t count) {
  acc_t<T> sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += acc_t<T>(x[i]);
  return sum;
}

void sum_columns_reference(Tensor& y, const Tensor& x, double scale) {
  const Rows s = rows_of("sum_columns", x, y.numel());
  dispatch_floating("sum_columns", x.dtype(), [&]<class T>() {
    using Acc = acc_t<T>;
    const T* const from = x.data<T>();
    T* const to = y.data<T>();
    parallel_for(0, s.rows, grain_of(s.columns), [&](int64_t first, int64_t last) {
      for (int64_t r = first; r < last; ++r) {
        const T* const row = from + r * s.columns;
        const Acc sum = chunked_sum<Acc>(s.columns, grain, [&](int64_t begin, int64_t end) {
          return sum_of(row + begin, end - begin);
        });
        to[r] = T(Acc(scale) * sum);
      }
    });
  });
}

void max_columns_reference(Tensor& y, Tensor& index, const Tensor& x) {
  const Rows s = rows_of("max_columns", x, y ? y.numel() : index.numel());
  LATHE_CHECK(s.columns > 0 || s.rows == 0, "max: expects at least one element, got shape ",
              x.shape());
  dispatch_floating("max_columns", x.dtype(), [&]<class T>() {
    const T* const from = x.data<T>();
    T* const largest = y ? y.data<T>() : nullptr;
    int64_t* const place = index ? index.data<int64_t>() : nullptr;
    parallel_for(0, s.rows, grain_of(s.columns), [&](int64_t first, int64_t last) {
      for (int64_t r = first; r < last; ++r) {
        const T* const row = from + r * s.columns;
        int64_t best = 0;
        for (int64_t c = 1; c < s.columns && !std::isnan(acc_t<T>(row[best])); ++c)
          if (!(acc_t<T>(row[c]) <= acc_t<T>(row[best]))) best = c;
        if (largest) largest[r] = row[best];
        if (place) place[r] = best;
      }
    });
  });
}

/// x[r, c] = value(r, c) for all elements.
template <class T, class Value>
void for_all(T* x, const Rows& s, const Value& value) {
  parallel_for(0, s.rows, grain_of(s.columns), [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r)
      for (int64_t c = 0; c < s.columns; ++c) x[r * s.columns + c] = value(r, c);
  });
}

void repeat_columns_reference(Tensor& x, const Tensor& y, double scale) {
  const Rows s = rows_of("repeat_columns", x, y.numel());
  dispatch_floating("repeat_columns", x.dtype(), [&]<class T>() {
    using Acc = acc_t<T>;
    const T* const from = y.data<T>();
    T* const to = x.data<T>();
    if (s.rows == 1) {  // one row may be long: all threads share it
      const T value = T(Acc(scale) * Acc(from[0]));
      return for_all(to, {s.columns, 1}, [&](int64_t, int64_t) { return value; });
    }
    for_all(to, s, [&](int64_t r, int64_t) { return T(Acc(scale) * Acc(from[r])); });
  });
}

void repeat_rows_reference(Tensor& x, const Tensor& y, double scale) {
  const Rows s = columns_of("repeat_rows", x, y.numel());
  dispatch_floating("repeat_rows", x.dtype(), [&]<class T>() {
    using Acc = acc_t<T>;
    const T* const from = y.data<T>();
    for_all(x.data<T>(), s, [&](int64_t, int64_t c) { return T(Acc(scale) * Acc(from[c])); });
  });
}

void place_columns_reference(Tensor& x, const Tensor& y, const Tensor& index) {
  const Rows s = rows_of("place_columns", x, y.numel());
  dispatch_floating("place_columns", x.dtype(), [&]<class T>() {
    const T* const from = y.data<T>();
    const int64_t* const place = index.data<int64_t>();
    for_all(x.data<T>(), s,
            [&](int64_t r, int64_t c) { return c == place[r] ? from[r] : T(0.0f); });
  });
}

}  // namespace

REGISTER_KERNELS(sum_rows, cpu, reference, {"reference", sum_rows_reference});
REGISTER_KERNELS(sum_columns, cpu, reference, {"reference", sum_columns_reference});
REGISTER_KERNELS(max_columns, cpu, reference, {"reference", max_columns_reference});
REGISTER_KERNELS(repeat_columns, cpu, reference, {"reference", repeat_columns_reference});
REGISTER_KERNELS(repeat_rows, cpu, reference, {"reference", repeat_rows_reference});
REGISTER_KERNELS(place_columns, cpu, reference, {"reference", place_columns_reference});

}  // namespace lathe::kernels
