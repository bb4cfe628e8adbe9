// Pickles of torch.save, read as data. A pickle is a program for a machine that can call any Python
// function; here it builds a tree of plain values and nothing else. Names that it may mention are
// the fifteen below, "calling" one is a switch over them, and everything else is refused by name.
// Opcodes are those that PyTorch writes (protocol 2) and Python 2 wrote before it.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace lathe {

enum class PickleGlobal : uint8_t {
  ordered_dict,
  counter,
  rebuild_tensor,
  rebuild_tensor_v2,
  rebuild_parameter,
  float_storage,
  double_storage,
  half_storage,
  bfloat16_storage,
  long_storage,
  int_storage,
  short_storage,
  char_storage,
  byte_storage,
  bool_storage,
};

struct PickleValue {
  enum class Kind : uint8_t {
    none,
    boolean,
    integer,
    huge_integer,  ///< of more than 64 bits; its value is not kept
    real,
    text,
    tuple,
    list,
    dict,  ///< items: key, value, key, value
    global,
    storage,  ///< global: its type; text: its key; integer: its elements; items: offset and size of
              ///< the part meant, where it is one
    tensor,   ///< items: storage, offset, shape, strides
  };
  Kind kind = Kind::none;
  PickleGlobal global{};
  int64_t integer = 0;
  double real = 0;
  std::string_view text = {};  ///< part of the pickle's bytes
  std::vector<uint32_t> items = {};
};

class Pickle {
 public:
  /// Reads one pickle from the first byte on. Its values may number 150,000 and one for 64 of
  /// `file_bytes`, which bounds the memory that a hostile file takes. Throws Error(data) with the
  /// file and the byte, counted from `origin`.
  Pickle(const std::string& file, std::string_view bytes, uint64_t origin, uint64_t file_bytes);

  const PickleValue& root() const { return values_[root_]; }
  const PickleValue& at(uint32_t i) const { return values_[i]; }
  const std::deque<PickleValue>& values() const { return values_; }
  /// How many bytes the pickle took.
  size_t length() const { return length_; }

 private:
  friend class Unpickler;
  std::deque<PickleValue> values_;  // a tree by numbers: sharing is free, deep nesting harmless
  uint32_t root_ = 0;
  size_t length_ = 0;
};

}  // namespace lathe
