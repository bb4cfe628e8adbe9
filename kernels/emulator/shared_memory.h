// The shared memory of the block that an OS thread is running: an arena in which every object lies
// at exactly its declared alignment (never better, so that luck hides nothing), is filled with NaN
// before each block, and is fenced by guard bytes (which AddressSanitizer is told not to let
// touch).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/emulator/place.h"

namespace lathe::emulator {

/// Fills memory with the bytes FF 7F: a NaN whether read as f32, f64, bf16 or f16.
void fill_with_nan(void* memory, size_t bytes);

/// A launch's dynamic shared memory, and what static and dynamic may be together.
struct SharedSizes {
  size_t dynamic = 0, limit = 0;
};

class SharedMemory {
 public:
  static constexpr size_t static_limit = 48 * 1024;
  static constexpr size_t block_limit = 227 * 1024;  // static and dynamic together, opted in

  SharedMemory();
  ~SharedMemory();

  /// Forgets the objects of an earlier launch, makes fresh ones of the same launch NaN again.
  void begin_block(uint64_t launch, SharedSizes sizes);

  /// One SHARED declaration: `key` is unique to it (and to each instance of a template).
  struct Declaration {
    const void* key = nullptr;
    const char* name = "";
    size_t bytes = 0, alignment = 1;
    Place place;
  };

  /// This block's object for a declaration; the first thread to ask makes it. Null, with `error`
  /// set, where the limits do not allow it.
  void* declare(const Declaration& declaration, std::string& error);

  /// Null if the launch gave no dynamic shared memory.
  void* dynamic() const { return dynamic_; }

  /// What a write past an object's end did to the guard bytes; empty if nothing did.
  std::string damage();

  bool contains(const void* address) const {
    return static_cast<size_t>(static_cast<const char*>(address) - arena_.get()) < arena_size;
  }
  size_t offset(const void* address) const {
    return size_t(static_cast<const char*>(address) - arena_.get());
  }

 private:
  struct Object {
    Declaration declaration;
    size_t offset;
  };
  struct Free {
    void operator()(char* p) const;
  };
  static constexpr size_t arena_size = 512 * 1024;

  void* place(const Declaration& declaration);
  std::string overrun(const Object& object, const std::string& at);

  std::unique_ptr<char, Free> arena_;
  std::vector<Object> objects_;
  size_t top_ = 0, static_bytes_ = 0;
  SharedSizes sizes_;
  uint64_t launch_ = 0;
  void* dynamic_ = nullptr;
};

}  // namespace lathe::emulator
