// Streams, events and graphs of the emulated runtime, with work done at once and as late as
// allowed.
#include <doctest/doctest.h>

#include "kernels/device.cuh"
#include "tensor/stream.h"
#include "tests/emulator/device_buffer.h"
#include "tests/emulator/sample_kernels.cuh"
#include "tests/emulator/streams.h"

using namespace lathe;
using namespace lathe::kernels;
using namespace lathe::tests;

namespace {

template <class F>
__global__ void apply(float* y, F f) {
  y[threadIdx.x] = f(y[threadIdx.x]);
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

TEST_CASE("emulator: a capture must join what it forked") {
  Stream main, side, third;
  Event forked, first, second;
  DeviceBuffer<float> x(128, 1.0f), y(128, 0.0f);
  const auto work_on = [&](const Stream& stream) {
    const StreamScope scope(stream);
    launch(add_scaled, 1, 128, 0, y.data(), x.data(), 1.0f, 128);
  };
  const auto begin_and_fork = [&] {
    REQUIRE(cudaStreamBeginCapture(main, cudaStreamCaptureModeThreadLocal) == cudaSuccess);
    cudaEventRecord(forked, main);
    REQUIRE(cudaStreamWaitEvent(side, forked) == cudaSuccess);
    work_on(side);
  };
  const auto end = [&] {
    cudaGraph_t graph = nullptr;
    const cudaError_t status = cudaStreamEndCapture(main, &graph);
    CHECK((graph != nullptr) == (status == cudaSuccess));
    cudaGraphDestroy(graph);
    return status;
  };
  const auto refused = [&] {
    const cudaError_t status = end();
    CHECK(std::string(cudaGetErrorString(status)).find("did not wait for") != std::string::npos);
    CHECK(cudaGetLastError() == status);
    cudaStreamCaptureStatus capturing = cudaStreamCaptureStatusActive;
    CHECK(cudaStreamIsCapturing(side, &capturing) == cudaSuccess);
    CHECK(capturing == cudaStreamCaptureStatusNone);  // the capture is over for all its streams
    return status == cudaErrorStreamCaptureUnjoined;
  };

  begin_and_fork();
  CHECK(refused());

  begin_and_fork();
  cudaEventRecord(first, side);
  cudaStreamWaitEvent(main, first);
  work_on(side);  // after the event
  CHECK(refused());

  begin_and_fork();
  cudaEventRecord(first, side);
  cudaStreamWaitEvent(third, first);
  work_on(third);
  cudaStreamWaitEvent(main, first);
  CHECK(refused());  // the third stream

  begin_and_fork();
  cudaEventRecord(first, side);
  cudaStreamWaitEvent(third, first);
  work_on(third);
  cudaEventRecord(second, third);
  cudaStreamWaitEvent(main, second);  // and by it the side's work
  CHECK(end() == cudaSuccess);
}

TEST_CASE("emulator: events outlive what they were recorded on") {
  for_eager_and_lazy([] {
    DeviceBuffer<float> x(128, 1.0f), y(128, 0.0f);
    Stream first, second;
    {
      Event event;  // waits on two streams when it is destroyed
      CHECK(cudaEventRecord(event, first) == cudaSuccess);
      CHECK(cudaEventRecord(event, second) == cudaSuccess);
    }
    CHECK(cudaStreamSynchronize(first) == cudaSuccess);
    CHECK(cudaStreamSynchronize(second) == cudaSuccess);

    Event captured;
    cudaGraph_t graph = nullptr;
    REQUIRE(cudaStreamBeginCapture(first, cudaStreamCaptureModeThreadLocal) == cudaSuccess);
    CHECK(cudaEventRecord(captured, first) == cudaSuccess);
    REQUIRE(cudaStreamEndCapture(first, &graph) == cudaSuccess);
    CHECK(cudaGraphDestroy(graph) == cudaSuccess);
    CHECK(cudaStreamWaitEvent(second, captured) == cudaErrorCapturedEvent);
    cudaStreamCaptureStatus capturing = cudaStreamCaptureStatusActive;
    CHECK(cudaStreamIsCapturing(second, &capturing) == cudaSuccess);
    CHECK(capturing == cudaStreamCaptureStatusNone);
    CHECK(cudaEventSynchronize(captured) == cudaErrorCapturedEvent);
    CHECK(cudaEventQuery(captured) == cudaErrorCapturedEvent);
    cudaGetLastError();
    CHECK(cudaEventRecord(captured, second) == cudaSuccess);  // and can be used again
    CHECK(cudaEventSynchronize(captured) == cudaSuccess);
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
