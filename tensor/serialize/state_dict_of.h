// From the value tree of a pickle to named tensors: which dictionary of a checkpoint holds the
// weights, what its tensors are called, where their elements lie.
#pragma once

#include "tensor/serialize/pickle.h"
#include "tensor/serialize/weights_file.h"

namespace lathe {

/// Where a .pth file's storages are, by their keys.
class PthStorages {
 public:
  struct Place {
    std::shared_ptr<Storage> storage;
    uint64_t offset, bytes;
  };
  virtual ~PthStorages() = default;
  /// Throws Error(data) when there is none of that key.
  virtual Place find(const std::string& key) = 0;
};

ElementType element_type(PickleGlobal storage);

/// The weights in a pickle. Elements that cannot stay where they are are copied, once each; all
/// copies together take no more than `file_bytes` bytes of the file.
WeightsFile state_dict_of(const std::string& file, const Pickle& pickle, PthStorages& storages,
                          uint64_t file_bytes);

}  // namespace lathe
