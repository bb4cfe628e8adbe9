// The safetensors format, in which Lathe keeps weights: eight bytes with the header's length, a
// JSON header of names, types, shapes and offsets, and the elements, little-endian. The reader
// believes nothing: duplicate or unknown keys, wrong types, holes, overlaps, offsets and lengths
// that do not fit are refused. Layout: the section "Format" of the safetensors project's README.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tensor/serialize/stored_tensor.h"

namespace lathe {

struct SafeTensors {
  std::vector<StoredTensor> tensors;  ///< in the order of their elements in the file
  std::map<std::string, std::string> metadata;

  /// The tensor of that name; no tensor when the file has none.
  Tensor find(const std::string& name) const;
};

/// Reads a file. Tensors stay in the mapped file where their alignment allows it and become private
/// memory page by page when written to. Throws Error(data) that names the file and the place.
SafeTensors read_safetensors(const std::filesystem::path& path);

/// Writes tensors (of any device) in their order, atomically (AtomicFile). The header is padded
/// with spaces to a multiple of 8 bytes as the reference implementation pads it, so a file that it
/// wrote is written again byte for byte. Throws Error(usage) for two tensors of one name,
/// Error(device) when the disk is full.
void write_safetensors(const std::filesystem::path& path, const std::vector<StoredTensor>& tensors,
                       const std::map<std::string, std::string>& metadata = {});

/// Whether the file's first bytes are those of a safetensors file. False for a file that is not
/// there.
bool is_safetensors(const std::filesystem::path& path);

/// "F32", "I64" and so on: the format's name of a type.
const char* safetensors_name(DType dtype);

}  // namespace lathe
