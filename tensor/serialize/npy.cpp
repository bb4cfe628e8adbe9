#include "tensor/serialize/npy.h"

#include <cstring>

namespace lathe {
namespace {

struct Type {
  std::string_view code;
  ElementType type;
};
constexpr Type types[] = {
    {"f4", ElementType::f32}, {"f8", ElementType::f64}, {"f2", ElementType::f16},
    {"i8", ElementType::i64}, {"i4", ElementType::i32}, {"u1", ElementType::u8},
    {"b1", ElementType::u8},  {"i2", ElementType::i16}, {"i1", ElementType::i8},
    {"u2", ElementType::u16}, {"u4", ElementType::u32}};

/// The Python dictionary of a header, read from left to right.
class HeaderText {
 public:
  HeaderText(const std::string& what, std::string_view text) : what_(what), rest_(text) {}

  NpyHeader read() {
    NpyHeader header;
    int keys = 0;
    expect('{');
    while (!take('}')) {
      const std::string_view key = quoted();
      expect(':');
      if (key == "descr" && !(keys & 1))
        read_type(header), keys |= 1;
      else if (key == "fortran_order" && !(keys & 2))
        header.fortran_order = truth(), keys |= 2;
      else if (key == "shape" && !(keys & 4))
        read_shape(header), keys |= 4;
      else
        refuse();
      if (take(',')) continue;
      expect('}');
      break;
    }
    skip();
    if (keys != 7 || !rest_.empty()) refuse();
    return header;
  }

 private:
  [[noreturn]] void refuse() const {
    fail(ErrorKind::data, what_,
         ": its header is not the dictionary {'descr': …, "
         "'fortran_order': …, 'shape': …} that NumPy writes");
  }
  void skip() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\n')) rest_.remove_prefix(1);
  }
  bool take(char c) {
    skip();
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!take(c)) refuse();
  }
  std::string_view quoted() {
    skip();
    const char quote = rest_.empty() ? 0 : rest_[0];
    if (quote != '\'' && quote != '"') refuse();
    const size_t end = rest_.find(quote, 1);
    if (end == std::string_view::npos) refuse();
    const std::string_view text = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    return text;
  }
  bool truth() {
    skip();
    for (bool value : {false, true})
      if (const std::string_view word = value ? "True" : "False"; rest_.starts_with(word)) {
        rest_.remove_prefix(word.size());
        return value;
      }
    refuse();
  }
  void read_shape(NpyHeader& header) {
    expect('(');
    while (!take(')')) {
      skip();
      int64_t extent = 0;
      size_t digits = 0;
      for (; digits < rest_.size() && rest_[digits] >= '0' && rest_[digits] <= '9'; ++digits)
        if (__builtin_mul_overflow(extent, 10, &extent) ||
            __builtin_add_overflow(extent, rest_[digits] - '0', &extent))
          fail(ErrorKind::data, what_, ": its shape has a number of more than 63 bits");
      if (digits == 0 || header.shape.size() == 64) refuse();
      rest_.remove_prefix(digits);
      take('L');  // Python 2 wrote (3L, 4L)
      header.shape.push_back(extent);
      if (take(',')) continue;
      expect(')');
      break;
    }
  }
  void read_type(NpyHeader& header) {
    skip();
    if (!rest_.empty() && rest_[0] == '[')
      fail(ErrorKind::data, what_, ": is an array of records; arrays of numbers are read");
    const std::string_view code = quoted();
    if (code.find('O') != std::string_view::npos)
      fail(ErrorKind::data, what_,
           ": holds Python objects, which only running a pickle would give;"
           " save arrays of numbers");
    header.big_endian = code.starts_with('>');
    for (const Type& type : types)
      if (!code.empty() && code.substr(1) == type.code &&
          std::string_view("<>=|").find(code[0]) != std::string_view::npos) {
        header.type = type.type;
        return;
      }
    fail(ErrorKind::data, what_, ": has elements of the type '", code.substr(0, 40),
         "', which is not one of f2, f4, f8, i1, i2, i4, i8, u1, u2, u4, b1");
  }

  const std::string& what_;
  std::string_view rest_;
};

}  // namespace

NpyHeader parse_npy_header(const std::string& what, std::string_view bytes) {
  const auto ends = [&] {
    fail(ErrorKind::data, what, ": ends inside the array's header, after ", bytes.size(), " bytes");
  };
  if (bytes.size() < 12) ends();
  if (!bytes.starts_with("\x93NUMPY")) fail(ErrorKind::data, what, ": is no array of NumPy");
  const int version = uint8_t(bytes[6]);
  if (version < 1 || version > 3)
    fail(ErrorKind::data, what, ": is of version ", version, " of NumPy's format; 1 to 3 are read");
  uint32_t length = 0;
  std::memcpy(&length, bytes.data() + 8, version == 1 ? 2 : 4);
  const size_t begin = version == 1 ? 10 : 12;
  if (length > bytes.size() - begin) ends();
  NpyHeader header = HeaderText(what, bytes.substr(begin, length)).read();
  header.length = begin + length;
  return header;
}

Tensor read_npy(const std::string& what, const std::shared_ptr<Storage>& storage, uint64_t bytes) {
  const std::string_view text(reinterpret_cast<const char*>(storage->data()), bytes);
  const NpyHeader header = parse_npy_header(what, text);
  const uint64_t elements = (bytes - header.length) / uint64_t(size_of(header.type));
  const StoredElements stored{storage,
                              int64_t(header.length),
                              header.type,
                              header.shape,
                              dense_strides(header.shape, header.fortran_order),
                              header.big_endian};
  check_extents(what, stored.shape, stored.strides, elements);
  const uint64_t needed = uint64_t(Shape(stored.shape).numel() * size_of(header.type));
  if (needed != bytes - header.length)
    fail(ErrorKind::data, what, ": ", bytes - header.length - needed,
         " bytes follow the last element of its shape");
  return tensor_of(stored);
}

std::string npy_header(const std::string& what, DType dtype, const Shape& shape) {
  std::string text = "{'descr': '";
  bool known = false;
  for (const Type& type : types) {
    if (type.type != element_type(dtype) || known) continue;
    text += (size_of(dtype) == 1 ? "|" : "<") + std::string(type.code);
    known = true;
  }
  LATHE_CHECK(known, what, ": NumPy has no type for ", dtype);
  text += "', 'fortran_order': False, 'shape': (";
  for (int i = 0; i < shape.rank(); ++i)
    text += std::to_string(shape[i]) + (i + 1 < shape.rank() ? ", " : shape.rank() == 1 ? "," : "");
  text += "), }";
  text.resize((10 + text.size() + 1 + 63) / 64 * 64 - 10, ' ');
  text.back() = '\n';
  const auto length = uint16_t(text.size());
  return std::string("\x93NUMPY\x01\x00", 8) + char(length & 0xff) + char(length >> 8) + text;
}

}  // namespace lathe
