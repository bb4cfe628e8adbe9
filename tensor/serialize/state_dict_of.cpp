#include "tensor/serialize/state_dict_of.h"

#include <array>
#include <map>
#include <set>
#include <tuple>

#include "tensor/suggest.h"
#include "tensor/utf8.h"

namespace lathe {
namespace {

using Kind = PickleValue::Kind;

/// Under these names checkpoints keep their weights, in order of preference.
constexpr const char* weights_keys[] = {
    "state_dict",  "model_state_dict", "model",         "net",
    "module",      "network",          "weights",       "params",
    "model_state", "state_dict_ema",   "net_state_dict"};
constexpr const char* wrapper_prefixes[] = {"module.", "_orig_mod."};
constexpr int deepest = 32;

class Collector {
 public:
  Collector(const std::string& file, const Pickle& pickle, PthStorages& storages,
            uint64_t file_bytes)
      : file_(file), pickle_(pickle), storages_(storages), budget_(file_bytes) {}

  WeightsFile run() {
    const PickleValue* root = &pickle_.root();
    for (int depth = 0; depth < 4; ++depth) {
      const PickleValue* inside = unwrapped(*root);
      if (!inside) break;
      root = inside;
    }
    collect(*root, "", 0);
    if (result_.tensors.empty()) fail(ErrorKind::data, file_, ": holds no tensors");
    strip_prefixes();
    std::set<std::string_view> names;
    for (const StoredTensor& t : result_.tensors)
      if (!names.insert(t.name).second)
        fail(ErrorKind::data, file_, ": has two tensors called '", t.name, "'");
    return std::move(result_);
  }

 private:
  const PickleValue& at(uint32_t i) const { return pickle_.at(i); }

  std::string key_text(const PickleValue& key) const {
    if (key.kind == Kind::integer) return std::to_string(key.integer);
    if (key.kind != Kind::text || !is_utf8(key.text))
      fail(ErrorKind::data, file_, ": a dictionary has a key that is neither UTF-8 nor a number");
    return std::string(key.text);
  }

  /// The dictionary of weights in a checkpoint's, which must have tensors in it; what stands beside
  /// it becomes metadata. Null for a dictionary that is one already.
  const PickleValue* unwrapped(const PickleValue& dict) {
    if (dict.kind != Kind::dict) return nullptr;
    for (const char* wanted : weights_keys)
      for (size_t i = 0; i + 1 < dict.items.size(); i += 2) {
        const PickleValue& inside = at(dict.items[i + 1]);
        if (at(dict.items[i]).text != wanted || inside.kind != Kind::dict ||
            !(has_tensors(inside) || (&inside != &dict && is_wrapper(inside))))
          continue;
        note_rest(dict, wanted);
        return &inside;
      }
    return nullptr;
  }
  bool has_tensors(const PickleValue& dict) const {
    for (size_t i = 1; i < dict.items.size(); i += 2)
      if (at(dict.items[i]).kind == Kind::tensor) return true;
    return false;
  }
  bool is_wrapper(const PickleValue& dict) const {
    for (const char* wanted : weights_keys)
      for (size_t i = 0; i + 1 < dict.items.size(); i += 2)
        if (at(dict.items[i]).text == wanted && at(dict.items[i + 1]).kind == Kind::dict)
          return has_tensors(at(dict.items[i + 1]));
    return false;
  }
  void note_rest(const PickleValue& dict, const std::string& taken) {
    std::vector<std::string> others;
    for (size_t i = 0; i + 1 < dict.items.size(); i += 2) {
      const std::string key = key_text(at(dict.items[i]));
      if (key == taken) continue;
      if (others.size() < 20) others.push_back(key);
      keep_plain(key, at(dict.items[i + 1]));
    }
    result_.notes.push_back("took '" + taken + "'" +
                            (others.empty() ? "" : "; beside it: " + list_text(others)));
  }
  void keep_plain(const std::string& key, const PickleValue& value) {
    if (value.kind == Kind::integer)
      result_.metadata[key] = std::to_string(value.integer);
    else if (value.kind == Kind::boolean)
      result_.metadata[key] = value.integer ? "true" : "false";
    else if (value.kind == Kind::real)
      result_.metadata[key] = concat(value.real);
    else if (value.kind == Kind::text && is_utf8(value.text))
      result_.metadata[key] = std::string(value.text);
  }

  /// All tensors below a value, called by their path. A container is gone through once: a pickle
  /// can name one thing a million times.
  void collect(const PickleValue& value, const std::string& path, int depth) {
    if (value.kind == Kind::tensor)
      return result_.tensors.push_back({path.empty() ? "tensor" : path, tensor(value, path)});
    const bool dict = value.kind == Kind::dict;
    if (!dict && value.kind != Kind::list && value.kind != Kind::tuple) return;
    if (!seen_.insert(&value).second) return;
    if (depth == deepest)
      fail(ErrorKind::data, file_, ": is nested more than ", deepest, " levels deep");
    for (size_t i = 0; i < value.items.size(); i += dict ? 2 : 1) {
      const PickleValue& item = at(value.items[i + dict]);
      if (item.kind != Kind::tensor && item.items.empty()) continue;
      const std::string key = dict ? key_text(at(value.items[i])) : std::to_string(i);
      collect(item, path.empty() ? key : path + "." + key, depth + 1);
    }
  }

  Tensor tensor(const PickleValue& value, const std::string& name) {
    const std::string what = file_ + ": '" + name + "'";
    const PickleValue& storage = at(value.items[0]);
    const ElementType type = element_type(storage.global);
    PthStorages::Place place = storages_.find(std::string(storage.text));
    const auto width = uint64_t(size_of(type));
    if (uint64_t(storage.integer) > place.bytes / width)
      fail(ErrorKind::data, what, ": its storage should have ", storage.integer,
           " elements, but has ", place.bytes, " bytes");
    uint64_t elements = uint64_t(storage.integer);
    if (!storage.items.empty()) narrow(what, storage, place, elements, width);
    const int64_t first = at(value.items[1]).integer;
    if (first < 0 || uint64_t(first) > elements)
      fail(ErrorKind::data, what, ": begins at element ", first, " of a storage of ", elements);
    StoredElements from{place.storage,
                        int64_t(place.offset + uint64_t(first) * width),
                        type,
                        integers(at(value.items[2])),
                        integers(at(value.items[3])),
                        false};
    check_extents(what, from.shape, from.strides, elements - uint64_t(first));
    if (can_stay(from)) return tensor_of(from);
    auto& known = copied_[{place.storage.get(), from.offset, type, from.shape, from.strides}];
    if (known) return known;
    const uint64_t bytes = uint64_t(Shape(from.shape).numel()) * width;
    if (bytes > budget_)
      fail(ErrorKind::data, what,
           ": the tensors of this file overlap so much that they would need "
           "more memory than the file has bytes");
    budget_ -= bytes;
    return known = tensor_of(from);
  }
  /// The part of a storage that is meant, as PyTorch 0.x wrote it.
  void narrow(const std::string& what, const PickleValue& storage, PthStorages::Place& place,
              uint64_t& elements, uint64_t width) {
    const int64_t offset = at(storage.items[0]).integer, size = at(storage.items[1]).integer;
    if (offset < 0 || size < 0 || uint64_t(offset) > elements ||
        uint64_t(size) > elements - uint64_t(offset))
      fail(ErrorKind::data, what, ": its part of a storage lies outside of it");
    place.offset += uint64_t(offset) * width;
    elements = uint64_t(size);
  }
  std::vector<int64_t> integers(const PickleValue& list) const {
    std::vector<int64_t> values;
    for (uint32_t i : list.items) values.push_back(at(i).integer);
    return values;
  }

  void strip_prefixes() {
    for (bool found = true; found;) {
      found = false;
      for (const std::string prefix : wrapper_prefixes) {
        bool all = true;
        for (const StoredTensor& t : result_.tensors)
          all &= t.name.starts_with(prefix) && t.name.size() > prefix.size();
        if (!all) continue;
        for (StoredTensor& t : result_.tensors) t.name.erase(0, prefix.size());
        result_.notes.push_back("took the prefix '" + prefix + "' off all names");
        found = true;
      }
    }
  }

  const std::string& file_;
  const Pickle& pickle_;
  PthStorages& storages_;
  uint64_t budget_;
  WeightsFile result_;
  std::set<const PickleValue*> seen_;
  std::map<
      std::tuple<const Storage*, int64_t, ElementType, std::vector<int64_t>, std::vector<int64_t>>,
      Tensor>
      copied_;
};

}  // namespace

ElementType element_type(PickleGlobal storage) {
  switch (storage) {
    case PickleGlobal::float_storage:
      return ElementType::f32;
    case PickleGlobal::double_storage:
      return ElementType::f64;
    case PickleGlobal::half_storage:
      return ElementType::f16;
    case PickleGlobal::bfloat16_storage:
      return ElementType::bf16;
    case PickleGlobal::long_storage:
      return ElementType::i64;
    case PickleGlobal::int_storage:
      return ElementType::i32;
    case PickleGlobal::short_storage:
      return ElementType::i16;
    case PickleGlobal::char_storage:
      return ElementType::i8;
    default:
      return ElementType::u8;
  }
}

WeightsFile state_dict_of(const std::string& file, const Pickle& pickle, PthStorages& storages,
                          uint64_t file_bytes) {
  return Collector(file, pickle, storages, file_bytes).run();
}

}  // namespace lathe
