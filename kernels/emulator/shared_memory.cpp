#include "kernels/emulator/shared_memory.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "kernels/emulator/sanitizer.h"

namespace lathe::emulator {
namespace {

constexpr size_t guard_bytes = 128;
constexpr unsigned char guard_value = 0xCA;

// Guards are poisoned, so they are read and written where the sanitizer does not look.
__attribute__((no_sanitize("address"))) void write_guard(char* p, size_t bytes) {
  auto* to = reinterpret_cast<volatile unsigned char*>(p);
  for (size_t i = 0; i < bytes; i++) to[i] = guard_value;
}
__attribute__((no_sanitize("address"))) bool guard_is_whole(const char* p) {
  return static_cast<unsigned char>(*reinterpret_cast<const volatile char*>(p)) == guard_value;
}

}  // namespace

void fill_with_nan(void* memory, size_t bytes) {
  auto* p = static_cast<unsigned char*>(memory);
  const size_t odd = reinterpret_cast<uintptr_t>(p) & 1;
  for (size_t i = 0; i < bytes; i++) p[i] = (i + odd) & 1 ? 0x7F : 0xFF;
}

void SharedMemory::Free::operator()(char* p) const {
  sanitizer::unpoison(p, arena_size);
  std::free(p);
}

SharedMemory::SharedMemory() : arena_(static_cast<char*>(std::aligned_alloc(4096, arena_size))) {
  if (!arena_) throw std::bad_alloc();
  write_guard(arena_.get(), arena_size);
  sanitizer::poison(arena_.get(), arena_size);
}

SharedMemory::~SharedMemory() = default;

void SharedMemory::begin_block(uint64_t launch, SharedSizes sizes) {
  if (launch_ == launch) {
    for (const Object& o : objects_) fill_with_nan(arena_.get() + o.offset, o.declaration.bytes);
    return;
  }
  for (const Object& o : objects_) {
    sanitizer::poison(arena_.get() + o.offset, o.declaration.bytes);
    write_guard(arena_.get() + o.offset, o.declaration.bytes);
  }
  objects_.clear();
  launch_ = launch;
  top_ = static_bytes_ = 0;
  sizes_ = sizes;
  dynamic_ = nullptr;
  if (sizes.dynamic) dynamic_ = place({nullptr, "dynamic_shared", sizes.dynamic, 128, {}});
}

void* SharedMemory::declare(const Declaration& declaration, std::string& error) {
  for (const Object& o : objects_) {
    if (o.declaration.key == declaration.key) return arena_.get() + o.offset;
  }
  static_bytes_ += declaration.bytes;
  const size_t total = static_bytes_ + sizes_.dynamic;
  if (static_bytes_ > static_limit) {
    error = "the kernel declares " + std::to_string(static_bytes_) +
            " bytes of static shared memory, limit " + std::to_string(static_limit) +
            " (dynamic_shared allows more)";
  } else if (total > sizes_.limit) {
    error = "static and dynamic shared memory are " + std::to_string(total) + " bytes, limit " +
            std::to_string(sizes_.limit) +
            (sizes_.limit < block_limit ? " (cudaFuncSetAttribute allows more)" : "");
  } else if (top_ + declaration.bytes + 4 * guard_bytes > arena_size) {
    error = "too many SHARED declarations for the emulator's arena";
  }
  return error.empty() ? place(declaration) : nullptr;
}

void* SharedMemory::place(const Declaration& declaration) {
  // A multiple of 128 plus the alignment: aligned to it, and to nothing larger.
  const size_t alignment = declaration.alignment;
  const size_t offset = (top_ + guard_bytes + 127) / 128 * 128 + (alignment < 128 ? alignment : 0);
  char* memory = arena_.get() + offset;
  sanitizer::unpoison(memory, declaration.bytes);
  fill_with_nan(memory, declaration.bytes);
  objects_.push_back({declaration, offset});
  top_ = offset + declaration.bytes;
  return memory;
}

std::string SharedMemory::damage() {
  for (const Object& object : objects_) {
    const char* begin = arena_.get() + object.offset;
    const char* end = begin + object.declaration.bytes;
    for (size_t i = 0; i < guard_bytes; i++) {
      if (!guard_is_whole(end + i)) {
        return overrun(object, std::to_string(object.declaration.bytes + i));
      }
      if (i < 64 && !guard_is_whole(begin - 1 - i))
        return overrun(object, "-" + std::to_string(i + 1));
    }
  }
  return {};
}

std::string SharedMemory::overrun(const Object& object, const std::string& at) {
  const Declaration& declaration = object.declaration;
  char* begin = arena_.get() + object.offset;
  write_guard(begin - 64, 64);
  write_guard(begin + declaration.bytes, guard_bytes);
  const std::string where = declaration.key ? text(declaration.place) + ": " : "";
  return where + "a write out of bounds of shared '" + declaration.name + "' (" +
         std::to_string(declaration.bytes) + " bytes), at byte " + at;
}

}  // namespace lathe::emulator
