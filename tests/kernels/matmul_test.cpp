// What every row of the matrix product promises beside its values: NaN is not lost in the ReLU, and
// two runs give the same bytes.
#include "kernels/matmul.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "tensor/parallel.h"
#include "tensor/random.h"
#include "tests/op_cases/run_case.h"
#include "tests/support.h"

using namespace lathe;

namespace {

Tensor random(const Shape& shape, uint32_t index, DType dtype) {
  Tensor x = Tensor::empty(shape);
  uniform_(x, -1, 1, RandomStream(1, Purpose::test, 0, index));
  return x.to(dtype);
}

bool same_bytes(const Tensor& a, const Tensor& b) {
  return std::memcmp(a.to(Device::cpu).raw(), b.to(Device::cpu).raw(), size_t(a.bytes())) == 0;
}

/// Calls f(row, dtype, device, whether b is transposed) with each row forced, where it takes that.
template <class F>
void for_each_row(const F& f) {
  for (Device device : tests::devices())
    for (const RowInfo& row : tests::rows_here(kernels::matmul, device)) {
      const ForceVariant forced(std::string("matmul=") + row.name);
      CAPTURE(std::string(row.name));
      CAPTURE(std::string(name(device)));
      int taken = 0;
      for (DType dtype : {DType::f32, DType::f64, DType::bf16})
        for (bool transposed : {false, true}) {
          CAPTURE(std::string(name(dtype)));
          CAPTURE(transposed);
          try {
            f(row, dtype, device, transposed);
            ++taken;
          } catch (const Error& e) {
            CHECK(std::string(e.what()).find("was asked for, but needs") != std::string::npos);
          }
        }
      CHECK((taken > 0 || row.rank == Rank::vendor));  // oneDNN's takes large products only
    }
}

}  // namespace

TEST_CASE("matmul: NaN passes through ReLU in every row") {
  for_each_row([](const RowInfo&, DType dtype, Device device, bool transposed) {
    Tensor a = random({40, 32}, 1, DType::f32);
    a.data<float>()[5 * 32 + 7] = NAN;
    const Tensor b = random(transposed ? Shape{48, 32} : Shape{32, 48}, 2, dtype);
    Tensor c = Tensor::empty({40, 48}, dtype, device);
    kernels::matmul(c, a.to(dtype).to(device), b.to(device), random({48}, 3, dtype).to(device),
                    {.transpose_b = transposed, .epilogue = kernels::Epilogue::bias_relu});
    const auto values = c.to_vector<double>();
    CHECK(std::isnan(values[5 * 48 + 47]));
    CHECK(!std::isnan(values[6 * 48]));
  });
}

TEST_CASE("matmul: the same bytes twice; our rows for any number of threads too") {
  const int threads = num_threads();
  for_each_row([&](const RowInfo& row, DType dtype, Device device, bool transposed) {
    const int64_t k = device == Device::cpu ? 504 : 72;
    const int64_t m = transposed ? 60 : 150;  // few enough for the rows that want few
    const Tensor a = random({m, k}, 1, dtype).to(device),
                 b = random(transposed ? Shape{72, k} : Shape{k, 72}, 2, dtype).to(device);
    const kernels::MatmulOptions options{.transpose_b = transposed};
    Tensor first = Tensor::empty({m, 72}, dtype, device), again = empty_like(first);
    kernels::matmul(first, a, b, {}, options);
    kernels::matmul(again, a, b, {}, options);
    CHECK(same_bytes(first, again));
    if (device != Device::cpu) return;
    if (row.rank != Rank::tuned && row.rank != Rank::special && row.rank != Rank::reference) return;
    for (int count : {1, 3}) {
      set_num_threads(count);
      kernels::matmul(again, a, b, {}, options);
      CHECK(same_bytes(first, again));
    }
    set_num_threads(threads);
  });
}

TEST_CASE("matmul: rows for large products equal the others") {
  const std::vector<RowInfo> rows = kernels::matmul.rows(Device::cpu);
  if (std::none_of(rows.begin(), rows.end(),
                   [](const RowInfo& row) { return std::string(row.name) == "onednn"; }))
    return tests::skip("matmul=onednn on a large product", "this build has no oneDNN");
  const Tensor a = random({660, 650}, 1, DType::f32), b = random({650, 640}, 2, DType::f32),
               bias = random({640}, 3, DType::f32);
  a.data<float>()[5 * 650 + 7] = NAN;  // one row of c, in the ReLU as well
  Tensor c[2] = {Tensor::empty({660, 640}), Tensor::empty({660, 640})};
  int i = 0;
  for (const char* row : {"*=reference", "matmul=onednn"}) {
    const ForceVariant forced(row);
    kernels::matmul(c[i++], a, b, bias, {.epilogue = kernels::Epilogue::bias_relu});
  }
  CHECK(tests::error(c[1], c[0]) <= 1e-5);
}
