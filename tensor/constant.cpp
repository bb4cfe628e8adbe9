#include "tensor/constant.h"

#include <map>
#include <mutex>

namespace lathe {
namespace {

struct Constant;

/// Storages of constant tensors. Leaked: tensors may outlive static objects.
struct Registry {
  std::mutex mutex;
  std::map<const Storage*, Constant*> all;
};
Registry& registry() {
  static auto* const one = new Registry;
  return *one;
}

/// What a constant tensor's storage keeps alive.
struct Constant {
  std::shared_ptr<Storage> elements;
  const Storage* storage = nullptr;  ///< the one whose keeper this is
  std::map<std::type_index, std::shared_ptr<void>> derived;

  ~Constant() {
    const std::lock_guard lock(registry().mutex);
    registry().all.erase(storage);
  }
};

}  // namespace

Tensor constant_view(const Tensor& x) {
  const auto constant = std::make_shared<Constant>();
  constant->elements = x.storage();
  const auto storage = std::make_shared<Storage>(x.raw(), x.bytes(), x.device(), constant);
  constant->storage = storage.get();
  const std::lock_guard lock(registry().mutex);
  registry().all[storage.get()] = constant.get();
  return Tensor::view(storage, 0, x.shape(), x.dtype());
}

void* detail::derived_from(const Storage* storage, std::type_index type,
                           std::shared_ptr<void> (*make)()) {
  const std::lock_guard lock(registry().mutex);
  const auto found = registry().all.find(storage);
  if (found == registry().all.end()) return nullptr;
  std::shared_ptr<void>& one = found->second->derived[type];
  if (!one) one = make();
  return one.get();
}

}  // namespace lathe
