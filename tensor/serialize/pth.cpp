#include "tensor/serialize/pth.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <tuple>

#include "tensor/serialize/pickle.h"
#include "tensor/serialize/state_dict_of.h"

namespace lathe {
namespace {

using Kind = PickleValue::Kind;

/// The only entry that is called data.pkl, in the archive's one top folder; null when there is
/// none.
const ZipEntry* pickle_entry(const ZipArchive& archive) {
  for (const ZipEntry& entry : archive.entries()) {
    const size_t slash = entry.name.find('/');
    if (slash != std::string_view::npos && entry.name.substr(slash) == "/data.pkl") return &entry;
  }
  return nullptr;
}

std::string_view text_of(const Storage& storage) {
  return {reinterpret_cast<const char*>(storage.data()), size_t(storage.bytes())};
}

/// The storages of an archive: an entry each.
class ArchiveStorages final : public PthStorages {
 public:
  ArchiveStorages(ZipArchive& archive, std::string folder)
      : archive_(archive), folder_(std::move(folder)) {}
  Place find(const std::string& key) override {
    auto& found = read_[key];
    if (!found) {
      const ZipEntry* entry = archive_.find(folder_ + "data/" + key);
      if (!entry)
        fail(ErrorKind::data, archive_.file(), ": lacks the elements of its storage '",
             key.substr(0, 40), "'");
      found = archive_.read(*entry);
      sizes_[key] = entry->size;
    }
    return {found, 0, sizes_[key]};
  }

 private:
  ZipArchive& archive_;
  std::string folder_;
  std::map<std::string, std::shared_ptr<Storage>> read_;
  std::map<std::string, uint64_t> sizes_;
};

/// The storages of the older form: one behind the other, after the pickles.
class SequentialStorages final : public PthStorages {
 public:
  SequentialStorages(const std::string& file, const std::shared_ptr<MappedFile>& mapped)
      : file_(file),
        storage_(std::make_shared<Storage>(mapped->bytes().data(), int64_t(mapped->bytes().size()),
                                           Device::cpu, mapped)) {}
  /// The next storage: a count of elements, and these.
  void add(const std::string& key, uint64_t& at, int64_t element_bytes) {
    const auto total = uint64_t(storage_->bytes());
    uint64_t count = 0;
    if (total - at < sizeof count) ends(key);
    std::memcpy(&count, storage_->data() + at, sizeof count);
    at += sizeof count;
    if (count > (total - at) / uint64_t(element_bytes)) ends(key);
    const uint64_t bytes = count * uint64_t(element_bytes);
    if (!places_.emplace(key, std::pair(at, bytes)).second)
      fail(ErrorKind::data, file_, ": lists the storage '", key.substr(0, 40), "' twice");
    at += bytes;
  }
  Place find(const std::string& key) override {
    const auto found = places_.find(key);
    if (found == places_.end())
      fail(ErrorKind::data, file_, ": lacks the elements of its storage '", key.substr(0, 40), "'");
    return {storage_, found->second.first, found->second.second};
  }

 private:
  [[noreturn]] void ends(const std::string& key) const {
    fail(ErrorKind::data, file_, ": ends inside the storage '", key.substr(0, 40), "', after ",
         storage_->bytes(), " bytes: the file was cut off");
  }
  const std::string& file_;
  std::shared_ptr<Storage> storage_;
  std::map<std::string, std::pair<uint64_t, uint64_t>> places_;
};

/// The third pickle of the older form: byte order and sizes of the machine that wrote the file.
void check_system(const std::string& file, const Pickle& system) {
  const auto& items = system.root().items;
  if (system.root().kind == Kind::dict)
    for (size_t i = 0; i + 1 < items.size(); i += 2)
      if (system.at(items[i]).text == "little_endian" && system.at(items[i + 1]).integer == 0)
        fail(ErrorKind::data, file, ": was written by a big-endian machine");
}

}  // namespace

bool is_pth(const ZipArchive& archive) { return pickle_entry(archive) != nullptr; }

WeightsFile read_pth(ZipArchive& archive) {
  const ZipEntry& entry = *pickle_entry(archive);
  const std::string folder(entry.name.substr(0, entry.name.find('/') + 1));
  for (const ZipEntry& other : archive.entries())
    if (other.name.starts_with(folder + "code/") || other.name == folder + "constants.pkl")
      fail(ErrorKind::data, archive.file(),
           ": is a TorchScript program, not a file of weights; in "
           "Python: torch.save(torch.jit.load(FILE).state_dict(), OUT)");
  if (const ZipEntry* order = archive.find(folder + "byteorder"))
    if (order->size == 3 && text_of(*archive.read(*order)) == "big")
      fail(ErrorKind::data, archive.file(), ": was written by a big-endian machine");
  uint64_t total = 0;
  for (const ZipEntry& other : archive.entries()) total += other.size;
  const auto bytes = archive.read(entry);
  const Pickle pickle(archive.file(), text_of(*bytes).substr(0, entry.size), 0, total);
  ArchiveStorages storages(archive, folder);
  WeightsFile result = state_dict_of(archive.file(), pickle, storages, total);
  result.format = "pth";
  return result;
}

WeightsFile read_legacy_pth(const std::string& file, const std::shared_ptr<MappedFile>& mapped) {
  const std::string_view bytes = mapped->text();
  uint64_t at = 0;
  const auto next = [&] {
    Pickle pickle(file, bytes.substr(at), at, bytes.size());
    at += pickle.length();
    return pickle;
  };
  next();  // the magic number
  if (next().root().integer != 1001)
    fail(ErrorKind::data, file, ": is of another version of PyTorch's older format than 1001");
  check_system(file, next());
  const Pickle object = next(), keys = next();
  std::map<std::string_view, int64_t> element_bytes;
  for (const PickleValue& value : object.values())
    if (value.kind == Kind::storage)
      element_bytes[value.text] = size_of(element_type(value.global));
  SequentialStorages storages(file, mapped);
  for (uint32_t i : keys.root().items) {
    const std::string_view key = keys.at(i).text;
    const auto found = element_bytes.find(key);
    if (found == element_bytes.end())
      fail(ErrorKind::data, file, ": lists a storage that no tensor has");
    storages.add(std::string(key), at, found->second);
  }
  if (at != bytes.size())
    fail(ErrorKind::data, file, ": byte ", at, ": ", bytes.size() - at,
         " bytes follow that belong to no storage");
  WeightsFile result = state_dict_of(file, object, storages, bytes.size());
  result.format = "pth (legacy)";
  return result;
}

}  // namespace lathe
