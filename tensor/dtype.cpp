#include "tensor/dtype.h"

#include <array>
#include <ostream>

namespace lathe {
namespace {

struct Entry {
  const char* name;
  int64_t size;
};
constexpr std::array<Entry, 7> entries = {
    {{"f32", 4}, {"f64", 8}, {"bf16", 2}, {"f16", 2}, {"i64", 8}, {"i32", 4}, {"u8", 1}}};

}  // namespace

thread_local const std::string* ErrorScope::current = nullptr;

const char* name(DType dtype) { return entries[static_cast<size_t>(dtype)].name; }
int64_t size_of(DType dtype) { return entries[static_cast<size_t>(dtype)].size; }
std::ostream& operator<<(std::ostream& out, DType dtype) { return out << name(dtype); }

DType dtype_from_name(const std::string& text) {
  for (size_t i = 0; i < entries.size(); ++i)
    if (text == entries[i].name) return static_cast<DType>(i);
  fail(ErrorKind::usage, "dtype: expects f32, f64, bf16, f16, i64, i32 or u8, got '", text, "'");
}

}  // namespace lathe
