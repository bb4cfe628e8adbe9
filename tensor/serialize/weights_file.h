// Files of tensors in any format that Lathe reads: safetensors, PyTorch's .pth in both forms,
// NumPy's .npy and .npz. What a file is, its content says, not its name.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tensor/serialize/stored_tensor.h"

namespace lathe {

struct WeightsFile {
  std::string format;                 ///< "safetensors", "pth", "pth (legacy)", "npy" or "npz"
  std::vector<StoredTensor> tensors;  ///< in the file's order, laid out as on disk
  std::map<std::string, std::string> metadata;  ///< of a .pth: the plain values beside the tensors
  std::vector<std::string> notes;  ///< what was passed over: "took 'state_dict' of 3 entries"
};

/// Reads a file without ever running anything in it. Tensors stay in the mapped file where their
/// alignment and order allow it, so that their elements are read when they are used. Of a
/// checkpoint's dictionary the weights are taken (state_dict, model, …), without the prefixes of
/// DataParallel (module.) and torch.compile. Throws Error(data) that begins with the file's name.
WeightsFile read_weights(const std::filesystem::path& path);

/// Writes the format that the name ends with: .safetensors, .pth or .pt, .npy (one tensor), .npz;
/// atomically. bf16 is written as f32 for NumPy, which lacks it. Metadata are kept by safetensors
/// alone. Throws Error(usage) for another ending and for two tensors of one name.
void write_weights(const std::filesystem::path& path, const std::vector<StoredTensor>& tensors,
                   const std::map<std::string, std::string>& metadata = {});

}  // namespace lathe
