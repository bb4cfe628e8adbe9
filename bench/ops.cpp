// Benchmarks of kernels, from the op cases that tests use (tests/op_cases): each bench case, with
// each row of each kernel that it calls, timed without allocation or dispatch. Prints GB/s, GFLOP/s
// and the share of the copy bandwidth measured in between and of this machine's arithmetic. Times
// are those of the mean iteration; rates are those of the best, from which other programs take
// nothing.
//   bench_ops --benchmark_filter='relu.*f32' --benchmark_repetitions=5
#include <benchmark/benchmark.h>

#include <chrono>
#include <cmath>
#include <memory>
#include <optional>
#include <set>

#include "bench/ceiling.h"
#include "tensor/kernel.h"
#include "tests/op_cases/op_case.h"

using namespace lathe;
using tests::OpCase;

namespace {

/// Keeps calls instead of running them.
class Recorder final : public CallRecorder {
 public:
  Recorder() { current = this; }
  ~Recorder() override { current = nullptr; }
  void record(std::unique_ptr<KernelCall> call) override { calls.push_back(std::move(call)); }
  std::vector<std::unique_ptr<KernelCall>> calls;
};

std::vector<Tensor> run(const OpCase& op_case, const std::vector<Tensor>& inputs,
                        std::vector<std::unique_ptr<KernelCall>>& calls) {
  Recorder recorder;
  std::vector<Tensor> outputs = op_case.call(inputs);
  calls = std::move(recorder.calls);
  return outputs;
}

/// The kernels that a case calls; its inputs have no values for this.
std::set<const KernelBase*> kernels_of(const OpCase& op_case, DType dtype, Device device) {
  std::vector<Tensor> inputs;
  for (const tests::Input& input : op_case.inputs)
    inputs.push_back(Tensor::empty(input.shape, input.classes > 0 ? DType::i64 : dtype, device));
  std::vector<std::unique_ptr<KernelCall>> calls;
  run(op_case, inputs, calls);
  std::set<const KernelBase*> kernels;
  for (const auto& call : calls) kernels.insert(call->kernel);
  return kernels;
}

/// On a GPU a few runs are timed together, since waiting for it takes as long as a small kernel.
void time_case(benchmark::State& state, const OpCase& op_case, DType dtype, Device device,
               const std::string& variant, bench::CopyMeter& copies, double f32_flops) {
  std::vector<std::unique_ptr<KernelCall>> calls;
  std::vector<Tensor> inputs, outputs;
  try {
    const ForceVariant forced(variant);
    inputs = tests::convert(tests::make_inputs(op_case), dtype, device);
    outputs = run(op_case, inputs, calls);
    for (const auto& call : calls) call->run();
    synchronize(device);
  } catch (const Error& e) {
    return state.SkipWithError(e.what());
  }
  double best = HUGE_VAL;
  const int runs = device == Device::cpu ? 1 : 20;
  using Clock = std::chrono::steady_clock;
  copies.reset();
  auto measured = Clock::now() - std::chrono::seconds(1);
  for (auto _ : state) {
    if (Clock::now() - measured > std::chrono::milliseconds(10)) {
      copies.measure();
      measured = Clock::now();
    }
    const auto begin = Clock::now();
    for (int i = 0; i < runs; ++i)
      for (const auto& call : calls) call->run();
    synchronize(device);
    const std::chrono::duration<double> took = Clock::now() - begin;
    state.SetIterationTime(took.count() / runs);
    best = std::min(best, took.count() / runs);
  }
  const double bytes = op_case.elements * double(size_of(dtype));
  if (bytes > 0) {
    state.counters["GB/s"] = bytes / best / 1e9;
    state.counters["of_copy"] = bytes / best / copies.best_bytes();
  }
  if (op_case.flops > 0) {
    state.counters["GFLOP/s"] = op_case.flops / best / 1e9;
    if (dtype == DType::f32 && f32_flops > 0)
      state.counters["of_peak"] = op_case.flops / best / f32_flops;
  }
}

void register_all(Device device, bench::CopyMeter& copies, double f32_flops) {
  for (const OpCase& op_case : tests::bench_cases())
    for (DType dtype : {DType::f32, DType::f64})
      for (const KernelBase* kernel : kernels_of(op_case, dtype, device))
        for (const RowInfo& row : kernel->rows(device)) {
          const std::string variant = kernel->name() + "=" + row.name;
          benchmark::RegisterBenchmark(
              concat(op_case.name, "/", name(dtype), "/", name(device), "/", variant).c_str(),
              [=, &copies](benchmark::State& state) {
                time_case(state, op_case, dtype, device, variant, copies, f32_flops);
              })
              ->UseManualTime()
              ->Unit(benchmark::kMicrosecond);
        }
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  bench::CopyMeter copies(Device::cpu);
  const double f32_flops = bench::measure_f32_flops();
  benchmark::AddCustomContext("memcpy", concat(copies.memcpy_bytes() / 1e9, " GB/s"));
  benchmark::AddCustomContext("streaming copy", concat(copies.streaming_bytes() / 1e9, " GB/s"));
  benchmark::AddCustomContext("f32 multiply-adds", concat(f32_flops / 1e9, " GFLOP/s"));
  register_all(Device::cpu, copies, f32_flops);
#if defined(LATHE_BENCH_CUDA)
  std::optional<bench::CopyMeter> gpu;
  if (unavailable(Device::cuda).empty()) {
    gpu.emplace(Device::cuda);
    benchmark::AddCustomContext("GPU copy", concat(gpu->memcpy_bytes() / 1e9, " GB/s"));
    register_all(Device::cuda, *gpu, 0);
  }
#endif
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
