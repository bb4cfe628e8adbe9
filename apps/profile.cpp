#include "apps/profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "apps/flops.h"
#include "apps/model_argument.h"
#include "kernels/emulator/counters.h"
#include "kernels/emulator/gpu_model.h"
#include "tensor/check.h"
#include "tensor/tape.h"
#include "train/task.h"

namespace lathe::apps {
namespace {

using Json = nlohmann::ordered_json;
using emulator::KernelCounts;

/// Counts of all launches of one CUDA kernel, over all calls.
struct Sum {
  KernelCounts counts;
  double flops = 0;  ///< of the calls that launched it
};

void add(emulator::GlobalCounts& sum, const emulator::GlobalCounts& one) {
  sum.requests += one.requests;
  sum.lanes += one.lanes;
  sum.sectors += one.sectors;
  sum.useful_bytes += one.useful_bytes;
}

void add(emulator::SharedCounts& sum, const emulator::SharedCounts& one) {
  sum.requests += one.requests;
  sum.lanes += one.lanes;
  sum.passes += one.passes;
  sum.least_passes += one.least_passes;
  sum.ways = std::max(sum.ways, one.ways);
}

/// Runs every call, those of one kernel with the counters on.
class CountingRecorder final : public CallRecorder {
 public:
  explicit CountingRecorder(std::string kernel) : kernel_(std::move(kernel)) {}

  /// While alive, this thread's calls go to the recorder.
  class Scope {
   public:
    explicit Scope(CountingRecorder& recorder) : outer_(std::exchange(current, &recorder)) {}
    ~Scope() { current = outer_; }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    CallRecorder* outer_;
  };

  void record(std::unique_ptr<KernelCall> call) override {
    CallRecorder* const self = std::exchange(current, nullptr);
    if (call->kernel->name() == kernel_) {
      emulator::counters_start();
      call->run();
      add_launches(emulator::counters_stop(), flops_of(*call));
      ++calls;
    } else {
      call->run();
    }
    current = self;
  }
  int calls = 0;
  std::map<std::string, Sum> sums;

 private:
  void add_launches(const std::vector<KernelCounts>& launched, double flops) {
    for (const KernelCounts& one : launched) {
      Sum& sum = sums[one.kernel];
      if (sum.counts.launches == 0) {
        sum.counts = one;
      } else {
        sum.counts.launches += one.launches;
        sum.counts.threads += one.threads;
        add(sum.counts.loads, one.loads);
        add(sum.counts.stores, one.stores);
        add(sum.counts.shared, one.shared);
        sum.counts.least_bytes += one.least_bytes;
        sum.counts.block_barriers += one.block_barriers;
      }
      sum.flops += flops;
    }
  }
  std::string kernel_;
};

/// A training step, op by op, of a network that uses most kernels; what it does on the device is
/// counted.
void run_step(const std::string& model_name, const std::vector<std::string>& settings,
              CountingRecorder& recorder) {
  const CommonOptions common;
  const Recipe recipe = recipe_of(model_name, settings, common);
  const auto model = make_model(recipe, Device::cuda);
  const RandomBatch batch = random_batch(*model, recipe, batch_shape(*model, 64, ""), Device::cuda);
  const LossFunction loss = make_loss(recipe, batch.classes, Device::cuda);
  ParameterArena arena(model->named_parameters());
  Optimizer optimizer(arena, optimizer_options(recipe));
  optimizer.advance();
  const CountingRecorder::Scope counting(recorder);
  Tape tape;
  optimizer.zero_grad();
  tape.backward(loss((*model)(batch.inputs), batch.labels));
  optimizer.apply();
}

void run_steps(CountingRecorder& recorder) {
  run_step(
      "mlp",
      {"model.inputs=256", "model.hidden=[128]", "loss.name=cross_entropy", "train.clip_norm=1"},
      recorder);
  run_step(
      "landmark_mlp",
      {"model.inputs=136", "model.hidden=[64]", "optimizer.name=sgd", "optimizer.momentum=0.9"},
      recorder);
}

Json kernel_json(const Sum& sum, const emulator::Gpu& gpu) {
  const KernelCounts& c = sum.counts;
  const double bytes = double(c.bytes());
  const auto roof = emulator::roofline(gpu, bytes, sum.flops, emulator::Arithmetic::f32);
  return {{"kernel", c.kernel},
          {"launches", c.launches},
          {"sectors_per_load", c.loads.sectors_per_request()},
          {"sectors_per_store", c.stores.sectors_per_request()},
          {"lanes_per_load", c.loads.lanes_per_request()},
          {"used_share", c.loads.used_share()},
          {"bytes", c.bytes()},
          {"least_bytes", c.least_bytes},
          {"bank_conflicts", c.shared.conflicts()},
          {"worst_bank_ways", c.shared.ways},
          {"barriers_per_thread", c.per_thread(c.block_barriers)},
          {"roofline_us", 1e6 * roof.seconds()},
          {"bound_by", roof.memory_bound() ? "memory" : "arithmetic"}};
}

/// One row: its counters, or why it declined.
Json profile_row(const std::string& kernel, const std::string& row, const emulator::Gpu& gpu) {
  Json result = {{"variant", row}};
  const ForceVariant force(kernel + "=" + row);
  try {
    CountingRecorder recorder(kernel);
    run_steps(recorder);
    result["calls"] = recorder.calls;
    result["kernels"] = Json::array();
    for (const auto& [name, sum] : recorder.sums)
      result["kernels"].push_back(kernel_json(sum, gpu));
  } catch (const Error& e) {
    result["declined"] = e.what();
  }
  return result;
}

}  // namespace

Json profile_kernel(const std::string& kernel, const std::string& gpu_name) {
  if (!emulator::counters_available())
    emulator::counters_start();  // throws, saying which build has
  const emulator::Gpu& gpu = emulator::gpu(gpu_name);
  for (const KernelBase* known : KernelBase::all()) {
    if (known->name() != kernel) continue;
    Json rows = Json::array();
    for (const RowInfo& row : known->rows(Device::cuda))
      rows.push_back(profile_row(kernel, row.name, gpu));
    LATHE_CHECK(!rows.empty(), "kernels: '", kernel, "' has no row for cuda");
    return rows;
  }
  fail(ErrorKind::usage, "kernels: --profile expects the whole name of a kernel, got '", kernel,
       "'");
}

std::string profile_text(const Json& profile, const std::string& gpu) {
  std::string text =
      "Per request of a warp: 32-byte sectors (4 is best for 4-byte accesses) and active lanes; "
      "bytes beside the least possible.\n";
  for (const Json& row : profile) {
    text += row["variant"].get<std::string>() + "\n";
    if (row.contains("declined")) {
      text += "  not profiled: " + row["declined"].get<std::string>() + "\n";
      continue;
    }
    if (row["calls"] == 0) text += "  no step of the sample networks calls it\n";
    for (const Json& k : row["kernels"])
      text += fmt::format(
          "  {}: {} launches\n    loads {:.1f} sectors, {:.0f} % of their bytes used, {:.1f} "
          "lanes; stores {:.1f} sectors\n"
          "    {} bytes, {:.2f} of the least; {} bank conflicts (worst {}-way); {:.1f} barriers a "
          "thread\n"
          "    at least {:.3f} µs on {}, bound by {}\n",
          k["kernel"].get<std::string>(), k["launches"].get<int64_t>(),
          k["sectors_per_load"].get<double>(), 100 * k["used_share"].get<double>(),
          k["lanes_per_load"].get<double>(), k["sectors_per_store"].get<double>(),
          k["bytes"].get<int64_t>(),
          double(k["bytes"].get<int64_t>()) /
              std::max(1.0, double(k["least_bytes"].get<int64_t>())),
          k["bank_conflicts"].get<int64_t>(), k["worst_bank_ways"].get<int64_t>(),
          k["barriers_per_thread"].get<double>(), k["roofline_us"].get<double>(), gpu,
          k["bound_by"].get<std::string>());
  }
  return text;
}

}  // namespace lathe::apps
