// The emulated runtime: streams, events, graphs, errors, host threads; and the places of
// synchronisation that a mutation test leaves out.
#include <doctest/doctest.h>

#include <cstdio>
#include <fstream>
#include <thread>

#include "kernels/device.cuh"
#include "kernels/emulator/options.h"
#include "tensor/stream.h"
#include "tests/emulator/device_buffer.h"
#include "tests/emulator/orders.h"

using namespace lathe;
using namespace lathe::kernels;
using lathe::tests::DeviceBuffer;

namespace {

__global__ void add_scaled(float* y, const float* x, float a, int n) {
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) y[i] += a * x[i];
}

__global__ void reverse(float* y, int n) {
  SHARED(float, copy, [128]);
  copy[threadIdx.x] = y[threadIdx.x];
  __syncthreads();
  y[threadIdx.x] = copy[n - 1 - int(threadIdx.x)];
}

template <class F>
__global__ void apply(float* y, F f) {
  y[threadIdx.x] = f(y[threadIdx.x]);
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

class Stream {
 public:
  Stream() { REQUIRE(cudaStreamCreateWithFlags(&handle_, cudaStreamNonBlocking) == cudaSuccess); }
  ~Stream() { cudaStreamDestroy(handle_); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  operator cudaStream_t() const { return handle_; }

 private:
  cudaStream_t handle_ = nullptr;
};

class Event {
 public:
  Event() { REQUIRE(cudaEventCreate(&handle_) == cudaSuccess); }
  ~Event() { cudaEventDestroy(handle_); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  operator cudaEvent_t() const { return handle_; }

 private:
  cudaEvent_t handle_ = nullptr;
};

template <class F>
void for_eager_and_lazy(const F& check) {
  emulator::Options& options = emulator::options();
  const emulator::Options before = options;
  for (bool lazy : {false, true}) {
    options.lazy_streams = lazy;
    INFO("streams are ", lazy ? "lazy" : "eager");
    check();
  }
  options = before;
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

TEST_CASE("emulator: an event orders two streams") {
  for_eager_and_lazy([] {
    DeviceBuffer<float> x(128, 1.0f), y(128, 0.0f);
    Stream first, second;
    Event ready;
    {
      const StreamScope scope(first);
      launch(add_scaled, 1, 128, 0, y.data(), x.data(), 2.0f, 128);
      CHECK(cudaEventRecord(ready, first) == cudaSuccess);
    }
    CHECK(cudaStreamWaitEvent(second, ready) == cudaSuccess);
    {
      const StreamScope scope(second);
      launch(add_scaled, 1, 128, 0, x.data(), y.data(), 3.0f, 128);
    }
    if (emulator::options().lazy_streams) CHECK(cudaStreamQuery(second) == cudaErrorNotReady);
    CHECK(cudaStreamSynchronize(second) == cudaSuccess);
    CHECK(cudaEventQuery(ready) == cudaSuccess);
    CHECK(x.values()[0] == 7);
  });
}

TEST_CASE("emulator: a graph of two streams, with fork and join, replayed") {
  for_eager_and_lazy([] {
    Stream main, side;
    Event forked, joined;
    DeviceBuffer<float> x(128, 1.0f), y(128, 0.0f);
    float* host = nullptr;
    REQUIRE(cudaMallocHost(&host, 128 * sizeof(float)) == cudaSuccess);
    for (int i = 0; i < 128; i++) host[i] = float(i);

    cudaGraph_t graph = nullptr;
    cudaGraphExec_t exec = nullptr;
    REQUIRE(cudaStreamBeginCapture(main, cudaStreamCaptureModeThreadLocal) == cudaSuccess);
    {
      const StreamScope scope(main);
      cudaMemcpyAsync(y.data(), host, 128 * sizeof(float), cudaMemcpyHostToDevice, main);
      cudaEventRecord(forked, main);
      cudaStreamWaitEvent(side, forked);
      {
        const StreamScope inner(side);
        launch(add_scaled, 1, 128, 0, y.data(), x.data(), 100.0f, 128);
        cudaEventRecord(joined, side);
      }
      cudaStreamWaitEvent(main, joined);
      launch(reverse, 1, 128, 0, y.data(), 128);
      const auto half_more = [k = 0.5f](float v) { return v + k; };
      launch(apply<decltype(half_more)>, 1, 128, 0, y.data(), half_more);
      cudaMemcpyAsync(host, y.data(), 128 * sizeof(float), cudaMemcpyDeviceToHost, main);
    }
    float* refused = nullptr;
    CHECK(cudaMalloc(&refused, 4) == cudaErrorStreamCaptureUnsupported);
    CHECK(cudaStreamSynchronize(main) == cudaErrorStreamCaptureUnsupported);
    cudaGetLastError();
    REQUIRE(cudaStreamEndCapture(main, &graph) == cudaSuccess);
    REQUIRE(cudaGraphInstantiate(&exec, graph) == cudaSuccess);
    CHECK(host[0] == 0);  // nothing has run yet

    REQUIRE(cudaGraphLaunch(exec, main) == cudaSuccess);
    REQUIRE(cudaStreamSynchronize(main) == cudaSuccess);
    CHECK(host[0] == 227.5f);
    REQUIRE(cudaGraphLaunch(exec, main) == cudaSuccess);
    REQUIRE(cudaStreamSynchronize(main) == cudaSuccess);
    CHECK(host[0] == 201.0f);  // the second replay read what the first had left
    cudaGraphExecDestroy(exec);
    cudaGraphDestroy(graph);
    cudaFreeHost(host);
  });
}

TEST_CASE("emulator: pageable sources are staged, pageable destinations wait") {
  for_eager_and_lazy([] {
    Stream stream;
    DeviceBuffer<float> x(4);
    std::vector<float> source{1, 2, 3, 4}, back(4, 0);
    cudaMemcpyAsync(x.data(), source.data(), 16, cudaMemcpyHostToDevice, stream);
    source.assign(4, 99);  // allowed: the bytes were taken before the call returned
    cudaMemcpyAsync(back.data(), x.data(), 16, cudaMemcpyDeviceToHost, stream);
    CHECK(back == std::vector<float>{1, 2, 3, 4});
  });
}

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
    float* p = nullptr;
    CHECK(cudaMalloc(&p, 4) == cudaSuccess);
    CHECK(cudaMemset(p, 0, 4) == cudaErrorLaunchFailure);
    emulator::reset();
    CHECK(cudaMemset(p, 0, 4) == cudaSuccess);
    CHECK(cudaFree(p) == cudaSuccess);
  }
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
  CHECK(place.starts_with("reverse@runtime_test.cu:"));
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
