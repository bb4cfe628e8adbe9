// Counters on patterns whose answer is known, and the model of a GPU. The counting itself runs in
// the preset `profile`.
#include "kernels/emulator/counters.h"

#include <doctest/doctest.h>

#include "kernels/device.cuh"
#include "kernels/emulator/gpu_model.h"
#include "kernels/ptx.cuh"
#include "tensor/check.h"
#include "tests/emulator/device_buffer.h"
#include "tests/support.h"

using namespace lathe;
using namespace lathe::kernels;
using lathe::tests::DeviceBuffer;

namespace {

__global__ void copy_with_stride(float* y, const float* x, int stride) {
  y[threadIdx.x] = x[threadIdx.x * stride];
}
__global__ void copy_vectors(float* y, const float* x) {
  store_vector(y + 4 * threadIdx.x, load_vector<4>(x + 4 * threadIdx.x));
}
__global__ void copy_first(float* y, const float* x, int n) {
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) y[i] = x[i];
}
__global__ void broadcast_word(float* y) {
  SHARED(float, s, [32]);
  s[threadIdx.x] = 1;
  __syncthreads();
  y[threadIdx.x] = s[5];
}
template <int pitch>
__global__ void transpose_tile(float* y, const float* x) {
  SHARED(float, tile, [32][pitch]);
  for (int row = 0; row < 32; row++) tile[row][threadIdx.x] = x[32 * row + threadIdx.x];
  __syncwarp();
  for (int row = 0; row < 32; row++) y[32 * row + threadIdx.x] = tile[threadIdx.x][row];
}
__global__ void read_doubles(double* y, int stride) {
  SHARED(double, s, [64]);
  s[threadIdx.x] = s[32 + threadIdx.x] = 1;
  __syncthreads();
  y[threadIdx.x] = s[threadIdx.x * stride];
}
__global__ void read_shared_vectors(float* y, int stride) {
  SHARED_ALIGNED(16, float, s, [256]);
  for (int i = 0; i < 8; i++) s[32 * i + threadIdx.x] = 1;
  __syncthreads();
  y[threadIdx.x] = load_vector<4>(s + 4 * (threadIdx.x * stride % 64))[0];
}
__global__ void one_multiplication(float* y) {
  SHARED_ALIGNED(16, bf16, a, [16][16]);
  for (int i = 0; i < 8; i++) a[threadIdx.x / 2][threadIdx.x % 2 * 8 + i] = bf16(1.0f);
  __syncwarp();
  uint32_t fragment[4];
  ldmatrix_x4(fragment, &a[threadIdx.x % 16][threadIdx.x / 16 * 8]);
  float sum[4] = {};
  mma_m16n8k16<bf16>(sum, fragment, {fragment[0], fragment[1]});
  y[threadIdx.x] = block_reduce(sum[0], Sum{}, 0.0f);
}

// The counters of one kernel.
template <class F>
emulator::KernelCounts count(const F& run) {
  emulator::counters_start();
  run();
  const std::vector<emulator::KernelCounts> all = emulator::counters_stop();
  REQUIRE(all.size() == 1);
  return all[0];
}

bool counters_missing(const char* test) {
  if (emulator::counters_available()) return false;
  tests::skip(test, "needs the preset `profile`");
  return true;
}

}  // namespace

TEST_CASE("counters: other builds say which one has them") {
  if (emulator::counters_available()) return;
  CHECK_THROWS_WITH_AS(emulator::counters_start(), doctest::Contains("--preset profile"), Error);
  CHECK(emulator::counters_stop().empty());
}

TEST_CASE("counters: sectors of global requests") {
  if (counters_missing("counters: sectors of global requests")) return;
  DeviceBuffer<float> x(32 * 33, 1.0f), y(128);
  for (const auto& [step, sectors] : {std::pair{1, 4}, {2, 8}, {8, 32}, {32, 32}, {0, 1}}) {
    const int stride = step;
    const auto counts =
        count([&] { launch(copy_with_stride, 1, 32, 0, y.data(), x.data(), stride); });
    CHECK(counts.kernel == "copy_with_stride");
    CHECK(counts.loads.requests == 1);
    CHECK(counts.loads.sectors == uint64_t(sectors));
    CHECK(counts.loads.lanes == 32);
    CHECK(counts.stores.sectors_per_request() == 4);
  }
  const auto vectors = count([&] { launch(copy_vectors, 1, 32, 0, y.data(), x.data()); });
  CHECK(vectors.loads.requests == 1);
  CHECK(vectors.loads.sectors_per_request() == 16);
  CHECK(vectors.loads.used_share() == 1);
  CHECK(vectors.bytes() == 1024);
  CHECK(vectors.least_bytes == 1024);
  // One float beyond a sector's boundary costs one more sector.
  const auto shifted =
      count([&] { launch(copy_with_stride, 1, 32, 0, y.data(), x.data() + 1, 1); });
  CHECK(shifted.loads.sectors == 5);
}

TEST_CASE("counters: lines, launches and lanes") {
  if (counters_missing("counters: lines, launches and lanes")) return;
  DeviceBuffer<float> x(128, 1.0f), y(128);
  const auto counts = count([&] {
    for (int i = 0; i < 3; i++) launch(copy_first, 2, 64, 16, y.data(), x.data(), 72);
  });
  CHECK(counts.launches == 3);
  CHECK(counts.threads == 384);
  CHECK(counts.block_threads == 64);
  CHECK(counts.dynamic_shared_bytes == 16);
  CHECK(counts.file == "counters_test.cu");
  CHECK(counts.loads.requests == 9);  // the fourth warp has nothing to do
  CHECK(counts.loads.lanes == 216);
  REQUIRE(counts.lines.size() == 2);
  CHECK(counts.lines[0].place.starts_with("counters_test.cu:"));
  CHECK(counts.lines[0].place == counts.lines[1].place);
  CHECK(counts.least_bytes == 3 * 2 * 72 * 4);
}

TEST_CASE("counters: bank conflicts in shared memory") {
  if (counters_missing("counters: bank conflicts in shared memory")) return;
  DeviceBuffer<float> x(1024, 1.0f), y(1024);
  const auto broadcast = count([&] { launch(broadcast_word, 1, 32, 0, y.data()); });
  CHECK(broadcast.shared.conflicts() == 0);
  CHECK(broadcast.block_barriers == 32);
  const auto plain = count([&] { launch(transpose_tile<32>, 1, 32, 0, y.data(), x.data()); });
  CHECK(plain.shared.ways == 32);
  CHECK(plain.shared.conflicts() == 32 * 31);
  CHECK(plain.kernel == "transpose_tile<32>");
  CHECK(plain.warp_barriers == 32);
  const auto padded = count([&] { launch(transpose_tile<33>, 1, 32, 0, y.data(), x.data()); });
  CHECK(padded.shared.ways == 1);
  CHECK(padded.shared.conflicts() == 0);
}

TEST_CASE("counters: wide accesses to shared memory go in parts of a warp") {
  if (counters_missing("counters: wide accesses to shared memory go in parts of a warp")) return;
  DeviceBuffer<double> doubles(32);
  DeviceBuffer<float> y(32);
  const auto line_of_read = [](const emulator::KernelCounts& counts) {
    for (const auto& line : counts.lines) {
      if (line.shared && !line.write) return line.shared_counts;
    }
    return emulator::SharedCounts{};
  };
  const auto halves =
      line_of_read(count([&] { launch(read_doubles, 1, 32, 0, doubles.data(), 1); }));
  CHECK(halves.least_passes == 2);
  CHECK(halves.passes == 2);
  const auto apart =
      line_of_read(count([&] { launch(read_doubles, 1, 32, 0, doubles.data(), 2); }));
  CHECK(apart.passes == 4);
  CHECK(apart.ways == 2);
  const auto quarters =
      line_of_read(count([&] { launch(read_shared_vectors, 1, 32, 0, y.data(), 1); }));
  CHECK(quarters.least_passes == 4);
  CHECK(quarters.passes == 4);
  const auto eighths =
      line_of_read(count([&] { launch(read_shared_vectors, 1, 32, 0, y.data(), 2); }));
  CHECK(eighths.passes == 8);
}

TEST_CASE("counters: instructions of a tensor core kernel") {
  if (counters_missing("counters: instructions of a tensor core kernel")) return;
  DeviceBuffer<float> y(32);
  const auto counts = count([&] { launch(one_multiplication, 1, 32, 0, y.data()); });
  CHECK(counts.matrix_products == 1);
  CHECK(counts.matrix_loads == 1);
  CHECK(counts.per_thread(counts.block_barriers) == 2);
  CHECK(counts.per_thread(counts.shuffles) == 10);
  CHECK(y.values()[0] == 512);
}

TEST_CASE("gpu model: roofline of an add and of a matrix product") {
  const emulator::Gpu& h100 = emulator::gpu("h100");
  const auto add = emulator::roofline(h100, 3.35e9, 1e6, emulator::Arithmetic::f32);
  CHECK(add.memory_bound());
  CHECK(add.seconds() == doctest::Approx(1e-3));
  const auto product = emulator::roofline(h100, 3 * 2.0 * 4096 * 4096, 2.0 * 4096 * 4096 * 4096,
                                          emulator::Arithmetic::tensor_16bit);
  CHECK(!product.memory_bound());
  CHECK(product.seconds() == doctest::Approx(138.9e-6).epsilon(0.01));
  CHECK_THROWS_WITH_AS(emulator::gpu("h1000"), doctest::Contains("a100, h100, h200"), Error);
}

TEST_CASE("gpu model: occupancy and the compiler's report") {
  const emulator::Gpu &a100 = emulator::gpu("a100"), &h100 = emulator::gpu("h100");
  CHECK(emulator::occupancy(a100, 128, 32, 0).share == 1);
  const auto registers = emulator::occupancy(a100, 256, 64, 0);
  CHECK(registers.blocks == 4);
  CHECK(registers.share == 0.5);
  CHECK(std::string(registers.limit) == "registers");
  CHECK(emulator::occupancy(a100, 128, 32, 48 * 1024).blocks == 3);
  CHECK(emulator::occupancy(h100, 128, 32, 48 * 1024).blocks == 4);
  CHECK(emulator::occupancy(a100, 32, 32, 0).share == 0.5);  // 32 blocks of one warp

  const auto kernels = emulator::read_ptxas_report(
      "ptxas info    : 0 bytes gmem\n"
      "ptxas info    : Compiling entry function '_Z4rowsPf' for 'sm_80'\n"
      "ptxas info    : Function properties for _Z4rowsPf\n"
      "    8 bytes stack frame, 4 bytes spill stores, 12 bytes spill loads\n"
      "ptxas info    : Used 40 registers, used 1 barriers, 128 bytes smem, 380 bytes cmem[0]\n");
  REQUIRE(kernels.size() == 1);
  CHECK(kernels[0].kernel == "_Z4rowsPf");
  CHECK(kernels[0].registers == 40);
  CHECK(kernels[0].shared_bytes == 128);
  CHECK(kernels[0].spill_bytes == 16);
  CHECK(emulator::find_kernel(kernels, "_Z4rowsPf") == &kernels[0]);
  CHECK(emulator::find_kernel(kernels, "_Z5rows2Pf") == nullptr);
  // nvcc's name of a kernel in an anonymous namespace, and g++'s.
  const std::vector<emulator::KernelResources> local = {
      {"_ZN46_GLOBAL__N__0df0a8c7_10_softmax_cu_rows_8a7b6c4rowsIfEEvPT_", 8, 0, 0}};
  CHECK(emulator::find_kernel(local, "_ZN12_GLOBAL__N_14rowsIfEEvPT_") == &local[0]);
}
