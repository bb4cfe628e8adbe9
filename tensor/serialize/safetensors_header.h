// The JSON header of a safetensors file, parsed event by event so that what a document would forget
// (a key given twice) or forgive (a number for a string) is seen and refused.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/dtype.h"

namespace lathe {

/// What the header says about one tensor; the offsets count from the first byte behind the header.
struct TensorEntry {
  std::string name, dtype;
  std::vector<uint64_t> shape, offsets;
  bool has_shape = false;
};

struct SafetensorsHeader {
  std::vector<TensorEntry> entries;  ///< in the header's order
  std::map<std::string, std::string> metadata;
};

/// Throws Error(data) that names the file and the key or the byte. Checks the form alone: whether
/// shapes and offsets fit the file is the caller's to see.
SafetensorsHeader parse_safetensors_header(const std::string& file, std::string_view json);

}  // namespace lathe
