// The files of torch.save: zip archives since PyTorch 1.6, and the older form, pickles with raw
// elements behind them. Both are read without running anything (pickle.h); the newer is written.
#pragma once

#include <filesystem>

#include "tensor/serialize/weights_file.h"
#include "tensor/serialize/zip.h"

namespace lathe {

/// Whether an archive holds PyTorch's pickle.
bool is_pth(const ZipArchive& archive);
WeightsFile read_pth(ZipArchive& archive);

/// The bytes with which the older form begins.
inline constexpr std::string_view legacy_pth_start = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9";
WeightsFile read_legacy_pth(const std::string& file, const std::shared_ptr<MappedFile>& mapped);

/// Writes a dictionary of tensors that torch.load opens, with weights_only=True too. Metadata have
/// no place in it.
void write_pth(const std::filesystem::path& path, const std::vector<StoredTensor>& tensors);

}  // namespace lathe
