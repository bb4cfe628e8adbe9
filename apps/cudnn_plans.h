// What cuDNN would take on a GPU that need not be there: its plans for convolutions, chosen and
// compiled for a described GPU (kernels/cudnn_graph.h). Nothing is run.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace lathe::apps {

/// For each convolution kernel whose name begins with `only`, a dozen layers of known models in
/// each type: {"cudnn": version, "gpu", "driver": what stands in for one, "plans": [{"kernel",
/// "layer", "shape", "dtype", "engine", "workspace"} or {…, "declined": why}]}. Throws
/// Error(usage), saying how to get one, in a build without cuDNN, and for other kernels and GPUs.
nlohmann::ordered_json cudnn_plans(const std::string& only, const std::string& gpu);
/// As a table.
std::string cudnn_plans_text(const nlohmann::ordered_json& plans);

}  // namespace lathe::apps
