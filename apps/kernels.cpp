// lathe kernels: the kernel table, and which rows can run here.
#include <iostream>
#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "apps/cudnn_plans.h"
#include "apps/profile.h"
#include "kernels/cpu_features.h"
#include "tensor/kernel.h"
#include "tensor/suggest.h"

namespace lathe::apps {
namespace {

using Json = nlohmann::ordered_json;

/// Why no arguments at all would make this row run here; empty when some would. Rows are named
/// after the instruction set that they need.
std::string why_not(Device device, const std::string& row) {
  if (const std::string reason = unavailable(device); !reason.empty()) return reason;
#if defined(__x86_64__)
  if (row.find("avx512") != std::string::npos && !kernels::has_avx512()) return "needs AVX-512";
  if (row.find("avx2") != std::string::npos && !kernels::has_avx2()) return "needs AVX2 and FMA";
#endif
  return "";
}

const char* rank_text(Rank rank) {
  switch (rank) {
    case Rank::special:
      return "for some shapes";
    case Rank::vendor:
      return "a library's";
    case Rank::tuned:
      return "hand-written";
    case Rank::reference:
      break;
  }
  return "the specification";
}

Json table(const std::string& only) {
  Json kernels = Json::array();
  std::vector<std::string> names;
  for (const KernelBase* kernel : KernelBase::all()) {
    names.push_back(kernel->name());
    for (size_t end = names.back().find('_'); end != std::string::npos;
         end = kernel->name().find('_', end + 1))
      names.push_back(kernel->name().substr(0, end));
    if (!only.empty() && kernel->name() != only && !kernel->name().starts_with(only + "_"))
      continue;
    for (Device device : {Device::cpu, Device::cuda}) {
      Json variants = Json::array();
      for (const RowInfo& row : kernel->rows(device)) {
        const std::string why = why_not(device, row.name);
        variants.push_back({{"name", row.name},
                            {"available", why.empty()},
                            {"why", why.empty() ? rank_text(row.rank) : why}});
      }
      if (!variants.empty())
        kernels.push_back(
            {{"kernel", kernel->name()}, {"device", name(device)}, {"variants", variants}});
    }
  }
  LATHE_CHECK(!kernels.empty(), "kernels: there is no kernel '", only, "'",
              suggestion(only, names));
  return kernels;
}

int run(const CommonOptions& common, const std::string& only) {
  const Json kernels = table(only);
  if (common.json) {
    print_json(kernels);
    return 0;
  }
  std::string last;
  for (const Json& kernel : kernels) {
    const std::string name = kernel["kernel"];
    if (name != last) std::cout << name << "\n";
    last = name;
    std::cout << "  " << kernel["device"].get<std::string>() << "\n";
    for (const Json& row : kernel["variants"]) {
      const std::string variant = row["name"];
      std::cout << "    " << (row["available"] ? "+ " : "- ") << variant
                << std::string(variant.size() < 24 ? 24 - variant.size() : 1, ' ')
                << row["why"].get<std::string>() << "\n";
    }
  }
  std::cout << "Rows stand best first; the first that takes a call's arguments runs. "
               "LATHE_VARIANT=KERNEL=ROW forces one.\n";
  return 0;
}

}  // namespace

void add_kernels(Program& program) {
  struct Options {
    std::string only, gpu;
    bool profile = false;
  };
  auto options = std::make_shared<Options>();
  program.add("kernels", "the kernel table: rows, which run here and why the others do not")
      .argument("OP", options->only, "only this kernel, or those whose names begin with it", false)
      .flag("--profile", options->profile,
            "counters of the kernel's CUDA rows, run in the emulator")
      .option(
          "--as", options->gpu,
          "h100, h200 or a100: what cuDNN takes there, with its workspaces; with --profile, the "
          "GPU whose least time and occupancy are told",
          "none; with --profile h100")
      .run([&program, options] {
        const std::string& gpu = options->gpu;
        if (!options->profile && gpu.empty()) return run(program.common, options->only);
        const Json told = options->profile
                              ? profile_kernel(options->only, gpu.empty() ? "h100" : gpu)
                              : cudnn_plans(options->only, gpu);
        if (program.common.json)
          print_json(told);
        else
          std::cout << (options->profile ? profile_text(told) : cudnn_plans_text(told));
        return 0;
      });
}

}  // namespace lathe::apps
