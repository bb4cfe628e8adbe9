// The emulated runtime: errors, limits, host threads; and the places of synchronisation that a
// mutation test leaves out. Streams, events and graphs are in streams_test.cu.
#include <doctest/doctest.h>

#include <cstdio>
#include <fstream>
#include <thread>

#include "kernels/device.cuh"
#include "kernels/emulator/options.h"
#include "tests/emulator/device_buffer.h"
#include "tests/emulator/orders.h"
#include "tests/emulator/sample_kernels.cuh"
#include "tests/emulator/streams.h"

using namespace lathe;
using namespace lathe::kernels;
using lathe::tests::DeviceBuffer;
using lathe::tests::Stream;

namespace {

__global__ void static_and_dynamic(float* y) {
  SHARED(float, own, [1024]);
  float* given = dynamic_shared<float>();
  own[threadIdx.x] = given[threadIdx.x] = 1;
  y[threadIdx.x] = own[threadIdx.x] + given[threadIdx.x];
}

__global__ void some_skip_the_barrier() {
  if (threadIdx.x < 16) __syncthreads();
}

// Half of the warp waits for the other half at a shuffle, the other half at a barrier.
__global__ void waits_for_itself(float* y) {
  if (threadIdx.x < 16) {
    y[threadIdx.x] = __shfl_sync(~0u, y[threadIdx.x], 0);
  } else {
    __syncthreads();
  }
}

// The last block to finish adds up what all left behind: a ticket and fences order them.
__global__ void last_block_sums(const float* x, float* partial, unsigned* ticket, float* y) {
  SHARED(bool, last);
  const float sum = block_reduce(x[blockIdx.x * blockDim.x + threadIdx.x], Sum{}, 0.0f);
  if (threadIdx.x == 0) {
    partial[blockIdx.x] = sum;
    __threadfence();
    last = atomicAdd(ticket, 1u) == gridDim.x - 1;
  }
  __syncthreads();
  if (!last) return;
  __threadfence();
  const float own = threadIdx.x < gridDim.x ? __ldcg(partial + threadIdx.x) : 0.0f;
  const float total = block_reduce(own, Sum{}, 0.0f);
  if (threadIdx.x == 0) *y = total;
}

// The message of what `run` throws.
template <class F>
std::string error_of(const F& run) {
  try {
    run();
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::device);
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("emulator: wrong copies are refused") {
  DeviceBuffer<float> x(4, 0.0f), y(4, 0.0f);
  float host[8] = {};
  CHECK(cudaMemcpy(x.data(), y.data(), 16, cudaMemcpyHostToDevice) ==
        cudaErrorInvalidMemcpyDirection);
  cudaGetLastError();
  CHECK(cudaMemcpy(x.data(), host, 20, cudaMemcpyHostToDevice) == cudaErrorIllegalAddress);
  CHECK(std::string(cudaGetErrorString(cudaErrorIllegalAddress)) ==
        "cudaMemcpyAsync (to): 20 bytes, but only 16 of the device allocation are left");
  emulator::reset();
}

TEST_CASE("emulator: an error sticks until the device is reset") {
  for (int round = 0; round < 3; round++) {
    const std::string message = error_of([] { launch(some_skip_the_barrier, 2, 32, 0); });
    CHECK(message.find("runtime_test.cu:") != std::string::npos);
    CHECK(message.find("at this __syncthreads") != std::string::npos);
    CHECK(message.find("[block (0,0,0)]") != std::string::npos);
    float *p = nullptr, *host = nullptr;
    cudaStream_t stream = nullptr;
    cudaEvent_t event = nullptr;
    CHECK(cudaMalloc(&p, 4) == cudaErrorLaunchFailure);
    CHECK(cudaMallocHost(&host, 4) == cudaErrorLaunchFailure);
    CHECK(cudaStreamCreate(&stream) == cudaErrorLaunchFailure);
    CHECK(cudaEventCreate(&event) == cudaErrorLaunchFailure);
    CHECK(cudaDeviceSynchronize() == cudaErrorLaunchFailure);
    CHECK(cudaGetLastError() == cudaErrorLaunchFailure);
    CHECK(error_of([] { launch(some_skip_the_barrier, 2, 32, 0); }) == message);
    emulator::reset();
    REQUIRE(cudaMalloc(&p, 4) == cudaSuccess);
    CHECK(cudaMemset(p, 0, 4) == cudaSuccess);
    error_of([] { launch(some_skip_the_barrier, 2, 32, 0); });
    CHECK(cudaMemset(p, 0, 4) == cudaErrorLaunchFailure);
    CHECK(cudaFree(p) == cudaErrorLaunchFailure);
    emulator::reset();
    CHECK(cudaFree(p) == cudaErrorInvalidValue);  // it was freed all the same
    cudaGetLastError();
  }
}

// A deferred fault is reported by whatever call comes after it, as on a GPU.
TEST_CASE("emulator: a kernel that fails late spoils the calls after it") {
  emulator::Options& options = emulator::options();
  const emulator::Options before = options;
  options.lazy_streams = true;
  float* p = nullptr;
  CHECK(error_of([] { launch(some_skip_the_barrier, 2, 32, 0); }).empty());
  CHECK(cudaStreamSynchronize(nullptr) == cudaErrorLaunchFailure);
  CHECK(cudaMalloc(&p, 4) == cudaErrorLaunchFailure);
  emulator::reset();
  options = before;
}

TEST_CASE("emulator: threads that wait for each other are listed") {
  DeviceBuffer<float> y(32, 0.0f);
  const std::string message = error_of([&] { launch(waits_for_itself, 1, 32, 0, y.data()); });
  emulator::reset();
  CHECK(message.find("deadlock: 32 threads wait for each other") != std::string::npos);
  CHECK(message.find("in __shfl_sync (mask 0xffffffff, arrived 0xffff): 16 threads") !=
        std::string::npos);
  CHECK(message.find("at __syncthreads: 16 threads, the first is (16,0,0)") != std::string::npos);
}

TEST_CASE("emulator: launches beyond the limits are refused, and nothing sticks") {
  CHECK(error_of([] { launch(some_skip_the_barrier, 1, 2048, 0); }).find("1 to 1024 threads") !=
        std::string::npos);
  CHECK(error_of([] { launch(some_skip_the_barrier, 1, 32, 300000); }).find("limit 232448") !=
        std::string::npos);
  CHECK(cudaDeviceSynchronize() == cudaSuccess);
}

// What <<<>>> does by itself on a GPU; launch() asks for the memory first.
TEST_CASE("emulator: more than 48 KB of shared memory must be asked for") {
  DeviceBuffer<float> y(32);
  const auto submit = [&](size_t bytes) {
    return kernels::submit(static_and_dynamic, 1, 32, bytes, y.data());
  };
  CHECK(submit(44 << 10) == cudaSuccess);
  CHECK(submit((44 << 10) + 4) != cudaSuccess);
  CHECK(std::string(cudaGetErrorString(cudaErrorLaunchFailure)).find("cudaFuncSetAttribute") !=
        std::string::npos);
  emulator::reset();
  CHECK(submit((48 << 10) + 4) == cudaErrorInvalidValue);
  cudaGetLastError();
  launch(static_and_dynamic, 1, 32, 48 << 10, y.data());
  CHECK(y.values()[31] == 2);
  CHECK(submit(48 << 10) == cudaSuccess);
}

TEST_CASE("emulator: the last block to finish sees what all others wrote") {
  lathe::tests::for_each_order([] {
    DeviceBuffer<float> x(64 * 64, 1.0f), partial(64), y(1);
    DeviceBuffer<unsigned> ticket(1, 0u);
    launch(last_block_sums, 64, 64, 0, x.data(), partial.data(), ticket.data(), y.data());
    CHECK(y.values()[0] == 4096);
  });
}

TEST_CASE("emulator: four host threads") {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; t++) {
    threads.emplace_back([] {
      Stream stream;
      const StreamScope scope(stream);
      DeviceBuffer<float> x(4096, 1.0f), y(4096, 0.0f);
      for (int i = 0; i < 25; i++) launch(add_scaled, 32, 128, 0, y.data(), x.data(), 1.0f, 4096);
      CHECK(cudaStreamSynchronize(stream) == cudaSuccess);
      CHECK(y.values()[4095] == 25);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_CASE("emulator: a barrier is listed, and left out on demand") {
  const std::string file = "emulator_places.txt";
  std::remove(file.c_str());
  emulator::Options& options = emulator::options();
  const emulator::Options before = options;
  std::vector<float> x(128);
  for (int i = 0; i < 128; i++) x[i] = float(i);
  const auto run = [&] {
    DeviceBuffer<float> y(x);
    launch(reverse, 1, 128, 0, y.data(), 128);
    return y.values()[0];
  };
  options.places_file = file;
  emulator::places_changed();
  CHECK(run() == 127);
  CHECK(run() == 127);
  std::string place, kind, more;
  std::ifstream places(file);
  REQUIRE((places >> place >> kind));
  CHECK(place.starts_with("reverse@sample_kernels.cuh:"));
  CHECK(kind == "__syncthreads");
  CHECK(!(places >> more));  // once only

  options = before;
  options.skip = {place};
  emulator::places_changed();
  std::string message;
  float first = 0;
  try {
    first = run();
  } catch (const Error& error) {  // racecheck
    message = error.what();
    emulator::reset();
  }
  CHECK((first != 127 || !message.empty()));
  options = before;
  emulator::places_changed();
  CHECK(run() == 127);
  std::remove(file.c_str());
}
