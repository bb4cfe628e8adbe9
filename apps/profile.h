// `lathe kernels OP --profile`: the counters of an op's CUDA rows, run in the emulator.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace lathe::apps {

/// Runs the kernel's samples (apps/profile_samples.h) on the emulated device, once with each row,
/// and counts what the launches do:
///   {"gpu", "no_registers": why there are none, "samples": [{"arguments", "rows": [{"variant",
///   "declined": why, or "kernels": [counters]}]}]}
/// `gpu` names the GPU whose roofline and occupancy are computed; registers need nvcc. Throws
/// Error(usage), saying how to get one, in a build without counters.
nlohmann::ordered_json profile_kernel(const std::string& kernel, const std::string& gpu);
/// As a table for each sample.
std::string profile_text(const nlohmann::ordered_json& profile);

}  // namespace lathe::apps
