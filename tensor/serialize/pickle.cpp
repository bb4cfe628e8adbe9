#include "tensor/serialize/pickle.h"

#include <bit>
#include <cstring>
#include <iterator>

#include "tensor/check.h"

namespace lathe {
namespace {

using Kind = PickleValue::Kind;

constexpr std::string_view global_names[] = {"collections OrderedDict",
                                             "collections Counter",
                                             "torch._utils _rebuild_tensor",
                                             "torch._utils _rebuild_tensor_v2",
                                             "torch._utils _rebuild_parameter",
                                             "torch FloatStorage",
                                             "torch DoubleStorage",
                                             "torch HalfStorage",
                                             "torch BFloat16Storage",
                                             "torch LongStorage",
                                             "torch IntStorage",
                                             "torch ShortStorage",
                                             "torch CharStorage",
                                             "torch ByteStorage",
                                             "torch BoolStorage"};
static_assert(std::size(global_names) == size_t(PickleGlobal::bool_storage) + 1);

/// A name as a message can show it.
std::string readable(std::string_view text) {
  std::string result;
  for (char c : text.substr(0, 80)) result += c == ' ' ? '.' : c < 0x20 || c > 0x7e ? '?' : c;
  return result + (text.size() > 80 ? "…" : "");
}

}  // namespace

class Unpickler {
 public:
  Unpickler(const std::string& file, std::string_view bytes, uint64_t origin, uint64_t file_bytes,
            Pickle& result)
      : file_(file),
        bytes_(bytes),
        origin_(origin),
        budget_(150'000 + file_bytes / 64),
        result_(result) {}

  void run() {
    while (step(take<uint8_t>())) {
    }
    result_.root_ = pop();
    result_.length_ = at_;
  }

 private:
  using Items = std::vector<uint32_t>;

  template <class... Parts>
  [[noreturn]] void refuse(const Parts&... parts) const {
    fail(ErrorKind::data, file_, ": pickle: byte ", origin_ + opcode_at_, ": ", parts...);
  }

  template <class T>
  T take() {
    T value;
    std::memcpy(&value, take_bytes(sizeof value).data(), sizeof value);
    return value;
  }
  std::string_view take_bytes(uint64_t count) {
    if (count > bytes_.size() - at_) refuse("the pickle ends inside an opcode");
    const std::string_view part = bytes_.substr(at_, count);
    at_ += count;
    return part;
  }
  std::string_view take_line() {
    const size_t end = bytes_.find('\n', at_);
    if (end == std::string_view::npos) refuse("the pickle ends inside a name");
    const std::string_view line = bytes_.substr(at_, end - at_);
    at_ = end + 1;
    return line;
  }

  void push(uint32_t value) {
    if (budget_-- == 0) refuse("has more values than a file of this size needs");
    stack_.push_back(value);
  }
  void push_new(PickleValue value) {
    result_.values_.push_back(std::move(value));
    push(uint32_t(result_.values_.size() - 1));
  }
  void push_integer(int64_t value) { push_new({.kind = Kind::integer, .integer = value}); }
  void push_text(uint64_t length) { push_new({.kind = Kind::text, .text = take_bytes(length)}); }
  size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }
  uint32_t pop() {
    if (stack_.size() <= floor()) refuse("takes a value from an empty stack");
    const uint32_t top = stack_.back();
    stack_.pop_back();
    return top;
  }
  /// The values above the last mark, which goes too.
  Items pop_mark() {
    if (marks_.empty()) refuse("lacks the mark that this opcode goes back to");
    Items items(stack_.begin() + long(marks_.back()), stack_.end());
    stack_.resize(marks_.back());
    marks_.pop_back();
    return items;
  }
  PickleValue& value(uint32_t i) { return result_.values_[i]; }
  PickleValue& top(Kind kind, const char* what) {
    if (stack_.size() <= floor() || value(stack_.back()).kind != kind) refuse("expects ", what);
    return value(stack_.back());
  }

  void push_tuple(size_t count) {
    Items items(count);
    for (size_t i = count; i-- > 0;) items[i] = pop();
    push_new({.kind = Kind::tuple, .items = std::move(items)});
  }
  void push_long(uint64_t length) {
    const std::string_view digits = take_bytes(length);
    if (length > 8) return push_new({.kind = Kind::huge_integer});
    int64_t number = length > 0 && digits.back() < 0 ? -1 : 0;
    std::memcpy(&number, digits.data(), length);
    push_integer(number);
  }
  void append(const Items& items) {
    Items& list = top(Kind::list, "a list to append to").items;
    list.insert(list.end(), items.begin(), items.end());
  }
  void set_items(const Items& items) {
    if (items.size() % 2) refuse("sets a key without a value");
    Items& dict = top(Kind::dict, "a dictionary to set items of").items;
    dict.insert(dict.end(), items.begin(), items.end());
  }

  void put(uint64_t index) {
    if (stack_.size() <= floor()) refuse("keeps a value of an empty stack");
    // PyTorch numbers what it keeps without gaps; a number beyond the opcodes so far is a lie.
    if (index > opcodes_) refuse("keeps a value under the number ", index);
    if (index >= memo_.size()) memo_.resize(index + 1, nothing);
    memo_[index] = stack_.back();
  }
  void get(uint64_t index) {
    if (index >= memo_.size() || memo_[index] == nothing)
      refuse("asks for the value ", index, ", which was not kept");
    push(memo_[index]);
  }

  void push_global() {
    const std::string_view module = take_line(), name = take_line();
    const std::string full = std::string(module) + ' ' + std::string(name);
    for (size_t i = 0; i < std::size(global_names); ++i)
      if (full == global_names[i])
        return push_new({.kind = Kind::global, .global = PickleGlobal(i), .text = global_names[i]});
    refuse("names '", readable(full), "', which is not among the ", std::size(global_names),
           " names that a file of tensors needs; nothing was called. If the file is yours, save "
           "model.state_dict() instead of the object");
  }

  /// A storage: ('storage', type, key, location, elements[, (key, offset, size) of a part]).
  void push_storage() {
    const PickleValue& id = value(pop());  // references stay good: values_ is a deque
    const auto is = [&](size_t i, Kind kind) { return value(id.items[i]).kind == kind; };
    if (id.kind != Kind::tuple || id.items.size() < 5 || !is(0, Kind::text) ||
        value(id.items[0]).text != "storage" || !is(1, Kind::global) ||
        value(id.items[1]).global < PickleGlobal::float_storage || !is(2, Kind::text) ||
        !is(4, Kind::integer) || value(id.items[4]).integer < 0)
      refuse("has a persistent id that describes no storage");
    PickleValue storage{.kind = Kind::storage,
                        .global = value(id.items[1]).global,
                        .integer = value(id.items[4]).integer,
                        .text = value(id.items[2]).text};
    if (id.items.size() > 5 && is(5, Kind::tuple)) {
      const Items& part = value(id.items[5]).items;
      if (part.size() != 3 || value(part[1]).kind != Kind::integer ||
          value(part[2]).kind != Kind::integer)
        refuse("describes a part of a storage wrongly");
      storage.items = {part[1], part[2]};
    }
    push_new(std::move(storage));
  }

  void reduce() {
    const uint32_t arguments_at = pop(), callee_at = pop();
    const PickleValue &callee = value(callee_at), &arguments = value(arguments_at);
    if (callee.kind != Kind::global || arguments.kind != Kind::tuple)
      refuse("calls something that is no name of a function; nothing was called");
    const Items& items = arguments.items;
    switch (callee.global) {
      case PickleGlobal::ordered_dict:
      case PickleGlobal::counter:
        return push_dict(items);
      case PickleGlobal::rebuild_tensor:
      case PickleGlobal::rebuild_tensor_v2:
        return push_tensor(items);
      case PickleGlobal::rebuild_parameter:
        if (items.empty() || value(items[0]).kind != Kind::tensor)
          refuse("makes a parameter of something that is no tensor");
        return push(items[0]);
      default:
        refuse("calls '", readable(callee.text), "', which is no function; nothing was called");
    }
  }
  /// From nothing, from a dictionary, or from a list of pairs as Python 2 wrote it.
  void push_dict(const Items& arguments) {
    PickleValue dict{.kind = Kind::dict};
    if (arguments.size() > 1) refuse("makes a dictionary of ", arguments.size(), " things");
    if (arguments.size() == 1) {
      const PickleValue& from = value(arguments[0]);
      if (from.kind == Kind::dict) {
        dict.items = from.items;
      } else if (from.kind == Kind::list) {
        for (uint32_t i : from.items) {
          const PickleValue& pair = value(i);
          if ((pair.kind != Kind::tuple && pair.kind != Kind::list) || pair.items.size() != 2)
            refuse("makes a dictionary of something else than pairs");
          dict.items.insert(dict.items.end(), pair.items.begin(), pair.items.end());
        }
      } else {
        refuse("makes a dictionary of something that is no list");
      }
      charge(dict.items.size());
    }
    push_new(std::move(dict));
  }
  void charge(uint64_t count) {
    if (count > budget_) refuse("has more values than a file of this size needs");
    budget_ -= count;
  }
  void push_tensor(const Items& items) {
    const auto integers = [&](uint32_t i) {
      const PickleValue& list = value(i);
      if ((list.kind != Kind::tuple && list.kind != Kind::list) || list.items.size() > 64)
        return false;
      for (uint32_t k : list.items)
        if (value(k).kind != Kind::integer) return false;
      return true;
    };
    if (items.size() < 4 || value(items[0]).kind != Kind::storage ||
        value(items[1]).kind != Kind::integer || !integers(items[2]) || !integers(items[3]))
      refuse("describes a tensor by other things than storage, offset, shape and strides");
    push_new({.kind = Kind::tensor, .items = Items(items.begin(), items.begin() + 4)});
  }

  /// The state of an OrderedDict (its _metadata) is passed over; nothing else has one.
  void build() {
    pop();
    if (stack_.size() <= floor() || value(stack_.back()).kind != Kind::dict)
      refuse("sets the state of something that is no dictionary; nothing was set");
  }

  double take_big_endian_real() {
    const std::string_view text = take_bytes(8);
    uint64_t bits = 0;
    for (char c : text) bits = bits << 8 | uint8_t(c);
    return std::bit_cast<double>(bits);
  }

  /// One opcode; false after the last.
  bool step(uint8_t opcode) {
    opcode_at_ = at_ - 1;
    ++opcodes_;
    switch (opcode) {
      case 0x80:  // PROTO
        if (const int version = take<uint8_t>(); version > 2)
          refuse("is of pickle protocol ", version, "; torch.save writes 2 unless told otherwise");
        return true;
      case '.':  // STOP
        return false;
      case '(':  // MARK
        if (budget_-- == 0) refuse("has more values than a file of this size needs");
        marks_.push_back(stack_.size());
        return true;
      case 'N':
        return push_new({}), true;
      case 0x88:  // NEWTRUE, NEWFALSE
      case 0x89:
        return push_new({.kind = Kind::boolean, .integer = opcode == 0x88}), true;
      case 'K':  // BININT1, BININT2, BININT, LONG1, LONG4
        return push_integer(take<uint8_t>()), true;
      case 'M':
        return push_integer(take<uint16_t>()), true;
      case 'J':
        return push_integer(take<int32_t>()), true;
      case 0x8a:
        return push_long(take<uint8_t>()), true;
      case 0x8b:
        return push_long(take<uint32_t>()), true;
      case 'G':  // BINFLOAT
        return push_new({.kind = Kind::real, .real = take_big_endian_real()}), true;
      case 'X':  // BINUNICODE; Python 2's BINSTRING and SHORT_BINSTRING
      case 'T':
        return push_text(take<uint32_t>()), true;
      case 'U':
        return push_text(take<uint8_t>()), true;
      case ')':  // EMPTY_TUPLE, TUPLE1 to TUPLE3, TUPLE
        return push_tuple(0), true;
      case 0x85:
        return push_tuple(1), true;
      case 0x86:
        return push_tuple(2), true;
      case 0x87:
        return push_tuple(3), true;
      case 't':
        return push_marked(Kind::tuple), true;
      case ']':
        return push_new({.kind = Kind::list}), true;
      case 'a':
        return append({pop()}), true;
      case 'e':
        return append(pop_mark()), true;
      case '}':
        return push_new({.kind = Kind::dict}), true;
      case 's': {
        const uint32_t second = pop(), first = pop();
        return set_items({first, second}), true;
      }
      case 'u':
        return set_items(pop_mark()), true;
      case 'q':  // BINPUT, LONG_BINPUT, BINGET, LONG_BINGET
        return put(take<uint8_t>()), true;
      case 'r':
        return put(take<uint32_t>()), true;
      case 'h':
        return get(take<uint8_t>()), true;
      case 'j':
        return get(take<uint32_t>()), true;
      case 'c':
        return push_global(), true;
      case 'Q':  // BINPERSID
        return push_storage(), true;
      case 'R':
        return reduce(), true;
      case 'b':
        return build(), true;
      default:
        refuse_opcode(opcode);
    }
  }
  void push_marked(Kind kind) {
    Items items = pop_mark();
    push_new({.kind = kind, .items = std::move(items)});
  }
  [[noreturn]] void refuse_opcode(uint8_t opcode) {
    if (opcode == 'i') {  // INST names its class in the opcode itself
      const std::string_view module = take_line(), name = take_line();
      refuse("would make an object of '", readable(module), ".", readable(name),
             "'; nothing was called");
    }
    if ((opcode == 'o' || opcode == 0x81 || opcode == 0x92) && !stack_.empty())
      for (size_t i = stack_.size(); i-- > 0;)
        if (value(stack_[i]).kind == Kind::global)
          refuse("would make an object of '", readable(value(stack_[i]).text),
                 "'; nothing was called");
    refuse("has the opcode ", int(opcode), ", which files of tensors do not have");
  }

  static constexpr uint32_t nothing = UINT32_MAX;
  const std::string& file_;
  std::string_view bytes_;
  uint64_t origin_, budget_, opcodes_ = 0;
  size_t at_ = 0, opcode_at_ = 0;
  Items stack_, memo_;
  std::vector<size_t> marks_;
  Pickle& result_;
};

Pickle::Pickle(const std::string& file, std::string_view bytes, uint64_t origin,
               uint64_t file_bytes) {
  Unpickler(file, bytes, origin, file_bytes, *this).run();
}

}  // namespace lathe
