#include "apps/profile.h"

#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "apps/flops.h"
#include "apps/profile_samples.h"
#include "kernels/emulator/counters.h"
#include "kernels/emulator/gpu_model.h"
#include "tensor/check.h"
#include "tensor/suggest.h"

namespace lathe::apps {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using emulator::Arithmetic;
using emulator::KernelCounts;

/// What nvcc says of kernels; each source is compiled once. The emulator's build must know where
/// its sources are.
class Registers {
 public:
  explicit Registers(const emulator::Gpu& gpu) : gpu_(gpu) {}

  /// Null where nothing is known; why() says why.
  const emulator::KernelResources* find(const KernelCounts& counts) {
    const fs::path root = LATHE_KERNEL_SOURCES, source = root / "kernels" / counts.file;
    if (counts.file.empty() || root.empty() || !fs::exists(source)) {
      why_ = "the sources of this build are not there";
      return nullptr;
    }
    if (!files_.contains(counts.file)) files_[counts.file] = compile(source, root);
    return emulator::find_kernel(files_[counts.file], counts.symbol);
  }
  const std::string& why() const { return why_; }

 private:
  std::vector<emulator::KernelResources> compile(const fs::path& source, const fs::path& root) {
    try {
      auto resources = emulator::compile_resources(source, root, gpu_);
      if (resources.empty()) why_ = "they need nvcc in the PATH";
      return resources;
    } catch (const Error& e) {
      why_ = std::string(e.what()).substr(0, std::string(e.what()).find('\n'));
      return {};
    }
  }

  const emulator::Gpu& gpu_;
  std::map<std::string, std::vector<emulator::KernelResources>> files_;
  std::string why_;
};

/// What each line of the kernel costs.
Json lines_json(const KernelCounts& counts) {
  Json lines = Json::array();
  for (const emulator::LineCounts& line : counts.lines) {
    Json json = {{"place", line.place},
                 {"access", line.atomic  ? "atomic"
                            : line.write ? "store"
                                         : "load"},
                 {"memory", line.shared ? "shared" : "global"}};
    if (line.shared) {
      json["requests"] = line.shared_counts.requests;
      json["bank_conflicts"] = line.shared_counts.conflicts();
      json["ways"] = line.shared_counts.ways;
    } else {
      json["requests"] = line.global_counts.requests;
      json["sectors_per_request"] = line.global_counts.sectors_per_request();
      json["used_share"] = line.global_counts.used_share();
    }
    lines.push_back(std::move(json));
  }
  return lines;
}

/// Which units do the kernel's arithmetic: what it counts in is the type of the call's result.
Arithmetic arithmetic_of(KernelCall& call, const KernelCounts& counts) {
  if (counts.matrix_products > 0) return Arithmetic::tensor_16bit;
  Arithmetic arithmetic = Arithmetic::f32;
  bool first = true;
  call.for_each_tensor([&](const Tensor& x) {
    if (first && x && x.dtype() == DType::f64) arithmetic = Arithmetic::f64;
    first = false;
  });
  return arithmetic;
}

const char* name(Arithmetic arithmetic) {
  return arithmetic == Arithmetic::f64   ? "f64"
         : arithmetic == Arithmetic::f32 ? "f32"
                                         : "tensor cores";
}

Json kernel_json(KernelCall& call, const KernelCounts& c, const emulator::Gpu& gpu,
                 Registers& registers) {
  const Arithmetic arithmetic = arithmetic_of(call, c);
  const auto roof = emulator::roofline(gpu, double(c.bytes()), flops_of(call), arithmetic);
  Json json = {{"kernel", c.kernel},
               {"launches", c.launches},
               {"blocks", c.blocks},
               {"block_threads", c.block_threads},
               {"requests", c.loads.requests + c.stores.requests},
               {"sectors_per_load", c.loads.sectors_per_request()},
               {"sectors_per_store", c.stores.sectors_per_request()},
               {"lanes_per_load", c.loads.lanes_per_request()},
               {"used_share", c.loads.used_share()},
               {"bytes", c.bytes()},
               {"least_bytes", c.least_bytes},
               {"shared_requests", c.shared.requests},
               {"bank_conflicts", c.shared.conflicts()},
               {"worst_bank_ways", c.shared.ways},
               {"barriers_per_thread", c.per_thread(c.block_barriers)},
               {"matrix_products", c.matrix_products},
               {"roofline_us", 1e6 * roof.seconds()},
               {"arithmetic", name(arithmetic)},
               {"bound_by", roof.memory_bound() ? "memory" : "arithmetic"}};
  if (const emulator::KernelResources* used = registers.find(c)) {
    const int shared = used->shared_bytes + int(c.dynamic_shared_bytes);
    const auto fits = emulator::occupancy(gpu, int(c.block_threads), used->registers, shared);
    json["registers"] = used->registers;
    json["spilled_bytes"] = used->spill_bytes;
    json["shared_bytes"] = shared;
    json["occupancy"] = fits.share;
    json["occupancy_limit"] = fits.limit;
  }
  json["lines"] = lines_json(c);
  return json;
}

/// One row on one sample: its counters, or why it declined.
Json row_json(const Sample& sample, const std::string& row, const emulator::Gpu& gpu,
              Registers& registers) {
  Json result = {{"variant", row}};
  const ForceVariant force(sample.kernel->name() + "=" + row);
  std::unique_ptr<KernelCall> call;
  try {
    call = sample.bind();
  } catch (const Error& e) {
    const std::string text = e.what(), but = "but ";
    const size_t at = text.find(but);
    result["declined"] = at == std::string::npos ? text : text.substr(at + but.size());
    return result;
  }
  emulator::counters_start();
  call->run();
  result["kernels"] = Json::array();
  for (const KernelCounts& counts : emulator::counters_stop())
    result["kernels"].push_back(kernel_json(*call, counts, gpu, registers));
  return result;
}

/// The lines whose accesses to shared memory wait for one another.
std::string conflicts_text(const Json& kernel) {
  std::string text;
  for (const Json& line : kernel["lines"])
    if (line.value("ways", 0) > 1)
      text += fmt::format("      {} of {}: bank conflicts, {} more passes in {} requests\n",
                          line["access"].get<std::string>(), line["place"].get<std::string>(),
                          line["bank_conflicts"].get<int64_t>(), line["requests"].get<int64_t>());
  return text;
}

constexpr const char* table_row =
    "  {:<28} {:>9} {:>8} {:>6} {:>6} {:>5} {:>6} {:>8} {:>4} {:>8} {:>4} {:>6} {:>7} {:>8} {}\n";

std::string kernel_text(const std::string& row, const Json& k) {
  const auto number = [](const Json& value, int digits) {
    return fmt::format("{:.{}f}", value.get<double>(), digits);
  };
  const bool compiled = k.contains("registers");
  std::string bound = k["bound_by"] == "memory" ? "memory" : k["arithmetic"];
  if (k.value("spilled_bytes", 0) > 0) bound += ", spills registers";
  return fmt::format(
             fmt::runtime(table_row), row,
             fmt::format("{}x{}", k["blocks"].get<int64_t>(), k["block_threads"].get<int64_t>()),
             k["requests"].get<int64_t>(), number(k["sectors_per_load"], 1),
             number(k["sectors_per_store"], 1), number(100 * k["used_share"].get<double>(), 0),
             number(k["lanes_per_load"], 1),
             number(k["bytes"].get<double>() / std::max(1.0, k["least_bytes"].get<double>()), 2),
             k["shared_requests"] == 0 ? "" : number(k["worst_bank_ways"], 0),
             number(k["barriers_per_thread"], 1), compiled ? number(k["registers"], 0) : "?",
             compiled ? number(k["shared_bytes"], 0) : "?",
             compiled ? number(100 * k["occupancy"].get<double>(), 0) + " %" : "?",
             number(k["roofline_us"], 3), bound) +
         conflicts_text(k);
}

std::string row_text(const Json& row) {
  const std::string name = row["variant"];
  if (row.contains("declined"))
    return "  " + name + ": " + row["declined"].get<std::string>() + "\n";
  const Json& kernels = row["kernels"];
  std::string text;
  for (const Json& k : kernels) {
    const std::string full = k["kernel"];
    text +=
        kernel_text(kernels.size() == 1 ? name : name + ": " + full.substr(0, full.find('<')), k);
  }
  return text;
}

}  // namespace

Json profile_kernel(const std::string& kernel, const std::string& gpu_name) {
  if (!emulator::counters_available())
    emulator::counters_start();  // throws, saying which build has
  const emulator::Gpu& gpu = emulator::gpu(gpu_name);
  Registers registers(gpu);
  Json samples = Json::array();
  std::vector<std::string> names;
  for (const Sample& sample : profile_samples()) {
    names.push_back(sample.kernel->name());
    if (names.back() != kernel) continue;
    Json rows = Json::array();
    for (const RowInfo& row : sample.kernel->rows(Device::cuda))
      rows.push_back(row_json(sample, row.name, gpu, registers));
    samples.push_back({{"arguments", sample.arguments}, {"rows", rows}});
  }
  LATHE_CHECK(!samples.empty(), "kernels: --profile expects the name of a kernel with rows for ",
              "cuda, got '", kernel, "'", suggestion(kernel, names));
  return {{"gpu", gpu_name}, {"no_registers", registers.why()}, {"samples", samples}};
}

std::string profile_text(const Json& profile) {
  const std::string gpu = profile["gpu"];
  std::string text = fmt::format(
      "blocks x threads; requests of warps to global memory; 32-byte sectors that a load and a "
      "store move (neighbours with\n4 bytes each: 4, with 16: 16); the share of a load's bytes "
      "that is used, and its active lanes; bytes moved, of the least\npossible; ways of the worst "
      "bank conflict (1: none); barriers a thread; registers; bytes of shared memory; occupancy;"
      "\nmicroseconds for which memory (if nothing is cached) or arithmetic is busy on {}, and "
      "which of them.\n\n",
      gpu);
  for (const Json& sample : profile["samples"]) {
    text += sample["arguments"].get<std::string>() + "\n";
    text +=
        fmt::format(fmt::runtime(table_row), "", "grid", "requests", "load", "store", "used%",
                    "lanes", "traffic", "ways", "barriers", "regs", "shared", "occup.", "µs", "");
    for (const Json& row : sample["rows"]) text += row_text(row);
  }
  if (const std::string why = profile["no_registers"]; !why.empty())
    text += "No registers and occupancy: " + why + ".\n";
  return text;
}

}  // namespace lathe::apps
