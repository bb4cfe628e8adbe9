// What every row of the matrix product promises beside its values: NaN is not lost in the ReLU, and
// two runs give the same bytes.
#include "kernels/matmul.h"

#include <cmath>
#include <cstring>

#include "tensor/parallel.h"
#include "tensor/random.h"
#include "tests/support.h"

using namespace lathe;

namespace {

Tensor random(const Shape& shape, uint32_t index, DType dtype) {
  Tensor x = Tensor::empty(shape);
  uniform_(x, -1, 1, RandomStream(1, Purpose::test, 0, index));
  return x.to(dtype);
}

bool same_bytes(const Tensor& a, const Tensor& b) {
  return std::memcmp(a.raw(), b.raw(), size_t(a.bytes())) == 0;
}

/// Calls f(name) with each row forced that takes the type.
template <class F>
void for_each_row(const F& f) {
  for (const RowInfo& row : kernels::matmul.rows(Device::cpu)) {
    const ForceVariant forced(std::string("matmul=") + row.name);
    for (DType dtype : {DType::f32, DType::f64, DType::bf16}) {
      CAPTURE(std::string(row.name));
      CAPTURE(std::string(name(dtype)));
      try {
        f(row, dtype);
      } catch (const Error& e) {
        CHECK(std::string(e.what()).find("was asked for, but needs") != std::string::npos);
      }
    }
  }
}

}  // namespace

TEST_CASE("matmul: NaN passes through ReLU in every row") {
  for_each_row([](const RowInfo&, DType dtype) {
    Tensor a = random({40, 30}, 1, DType::f32);
    a.data<float>()[5 * 30 + 7] = NAN;
    Tensor c = Tensor::empty({40, 50}, dtype);
    kernels::matmul(c, a.to(dtype), random({30, 50}, 2, dtype), random({50}, 3, dtype),
                    {.epilogue = kernels::Epilogue::bias_relu});
    const auto values = c.to_vector<double>();
    CHECK(std::isnan(values[5 * 50 + 49]));
    CHECK(!std::isnan(values[6 * 50]));
  });
}

TEST_CASE("matmul: the same bytes twice; our rows for any number of threads too") {
  const int threads = num_threads();
  for_each_row([&](const RowInfo& row, DType dtype) {
    const Tensor a = random({150, 500}, 1, dtype), b = random({500, 70}, 2, dtype);
    Tensor first = Tensor::empty({150, 70}, dtype), again = empty_like(first);
    kernels::matmul(first, a, b, {}, {});
    kernels::matmul(again, a, b, {}, {});
    CHECK(same_bytes(first, again));
    if (row.rank != Rank::tuned && row.rank != Rank::reference) return;
    for (int count : {1, 3}) {
      set_num_threads(count);
      kernels::matmul(again, a, b, {}, {});
      CHECK(same_bytes(first, again));
    }
    set_num_threads(threads);
  });
}

TEST_CASE("matmul: rows for large products equal the others") {
  const Tensor a = random({660, 650}, 1, DType::f32), b = random({650, 640}, 2, DType::f32),
               bias = random({640}, 3, DType::f32);
  Tensor c[2] = {Tensor::empty({660, 640}), Tensor::empty({660, 640})};
  int i = 0;
  for (const char* row : {"*=reference", "*=onednn"}) {
    const ForceVariant forced(row);
    kernels::matmul(c[i++], a, b, bias, {.epilogue = kernels::Epilogue::bias_relu});
  }
  CHECK(tests::error(c[1], c[0]) <= 1e-5);
}
