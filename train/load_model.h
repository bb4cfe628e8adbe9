// A registered model with the weights of a file.
#pragma once

#include <filesystem>

#include "models/registry.h"

namespace lathe {

/// The model with the weights of a .pth, .safetensors or .npz file (read_weights), in evaluation.
/// Throws Error(data) for weights that do not fit: missing, unexpected and mismatched tensors, and
/// the registered model that they look like.
std::unique_ptr<Module> load_model(const std::string& name, const std::filesystem::path& weights,
                                   const std::map<std::string, std::string>& options = {});

/// Loads all of the model's tensors. Throws Error(data) that begins with `file`, as load_model()
/// does.
void load_weights_into(Module& model, const std::string& name,
                       const std::vector<NamedTensor>& tensors, const std::string& file);

}  // namespace lathe
