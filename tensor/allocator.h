// The caching allocator: blocks are kept when freed and handed out again, so that after the first
// training step the system is asked for nothing. One class serves cpu, pinned and cuda memory. A
// Pool keeps the blocks of a recorded plan together: what was freed while recording may be reused
// within the plan, but by nobody else while it lives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "tensor/device.h"

namespace lathe {

enum class MemoryKind : uint8_t { cpu, pinned, cuda };

struct AllocatorStats {
  int64_t bytes_in_use = 0;
  int64_t peak_bytes_in_use = 0;
  int64_t bytes_cached = 0;     ///< free, kept for reuse
  int64_t peak_bytes_held = 0;  ///< most that was in use or cached: what the system sees
  int64_t system_calls = 0;     ///< how often the system was asked for memory
};

class CachingAllocator {
 public:
  explicit CachingAllocator(MemoryKind kind) : kind_(kind) {}

  /// Memory for at least `bytes`, aligned to 64 bytes. On failure the cache is flushed and the
  /// request repeated once; then Error(device) with the statistics.
  void* allocate(size_t bytes);
  void free(void* block);
  /// Gives all cached blocks of no pool back to the system.
  void flush();
  AllocatorStats stats() const;

 private:
  friend class MemoryPool;
  struct Block {
    size_t size;
    uint64_t pool;
  };
  using FreeList = std::multimap<size_t, void*>;

  void* take_cached(size_t size, uint64_t pool);
  void* from_system(size_t size);
  void release(void* block);
  void flush_locked();
  void dissolve(uint64_t pool);

  const MemoryKind kind_;
  mutable std::mutex mutex_;
  std::unordered_map<void*, Block> blocks_;
  std::unordered_map<uint64_t, FreeList> free_;  // by pool; pool 0 is everybody's
  AllocatorStats stats_;
};

CachingAllocator& allocator(MemoryKind kind);
inline MemoryKind memory_of(Device device) {
  return device == Device::cpu ? MemoryKind::cpu : MemoryKind::cuda;
}

/// While a Scope is alive, allocations of this thread belong to the pool. When the pool ends, its
/// blocks are everybody's.
class MemoryPool {
 public:
  MemoryPool();
  ~MemoryPool();
  MemoryPool(const MemoryPool&) = delete;
  MemoryPool& operator=(const MemoryPool&) = delete;
  uint64_t id() const { return id_; }
  /// The pool to which this thread's allocations belong; 0 for none.
  static uint64_t current() { return current_; }

  class Scope {
   public:
    explicit Scope(const MemoryPool& pool) : outer_(current_) { current_ = pool.id_; }
    Scope() : outer_(current_) { current_ = 0; }  ///< of no pool
    ~Scope() { current_ = outer_; }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    uint64_t outer_;
  };

 private:
  uint64_t id_;
  static thread_local uint64_t current_;
};

}  // namespace lathe
