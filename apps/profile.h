// `lathe kernels OP --profile`: the counters of an op's CUDA rows, run in the emulator.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace lathe::apps {

/// Runs training steps of small networks on the emulated device, once with each row of the kernel,
/// and counts what the row's launches do: [{"variant", "declined"} or {"variant", "calls",
/// "kernels": […]}]. `gpu` names the GPU whose roofline is computed. Throws Error(usage), saying
/// how to get one, in a build without counters.
nlohmann::ordered_json profile_kernel(const std::string& kernel, const std::string& gpu);
std::string profile_text(const nlohmann::ordered_json& profile, const std::string& gpu);

}  // namespace lathe::apps
