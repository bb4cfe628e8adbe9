#include "tensor/allocator.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <cstring>

#include "tensor/check.h"

namespace lathe {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool caching =
    false;  // a cached block would hide an overrun or a use after free from the sanitizer
#else
constexpr bool caching = true;
#endif
// Kernels under the race checker are built apart from this file, so the emulator's builds say it at
// run time.
bool bypass_cache() {
  static const bool bypass = !caching || std::getenv("LATHE_NO_CACHE") != nullptr;
  return bypass;
}

constexpr size_t guard_bytes = 64;
constexpr unsigned char guard_byte = 0xA5;

/// LATHE_DEBUG_MEMORY=1: fresh CPU blocks are NaN and followed by guard bytes that are checked when
/// they are freed.
bool debug_memory() {
  static const bool debug = std::getenv("LATHE_DEBUG_MEMORY") != nullptr;
  return debug;
}

/// Sizes are rounded up to an eighth of their power of two (at least 64 bytes): few classes, 12.5 %
/// waste at most.
size_t size_class(size_t bytes) {
  bytes = std::max<size_t>(bytes, 64);
  const size_t step = std::max<size_t>(std::bit_floor(bytes) / 8, 64);
  return (bytes + step - 1) / step * step;
}

const char* name(MemoryKind kind) {
  return kind == MemoryKind::cpu ? "cpu" : kind == MemoryKind::pinned ? "pinned" : "cuda";
}

void mark_debug(void* block, size_t size) {
  auto* bytes = static_cast<unsigned char*>(block);
  std::memset(bytes, 0xFF, size - guard_bytes);  // NaN in every float type, -1 in integers
  std::memset(bytes + size - guard_bytes, guard_byte, guard_bytes);
}

bool guard_intact(const void* block, size_t size) {
  const auto* guard = static_cast<const unsigned char*>(block) + size - guard_bytes;
  return std::all_of(guard, guard + guard_bytes, [](unsigned char c) { return c == guard_byte; });
}

}  // namespace

thread_local uint64_t MemoryPool::current_ = 0;

void* CachingAllocator::take_cached(size_t size, uint64_t pool) {
  auto list = free_.find(pool);
  if (list == free_.end()) return nullptr;
  auto fit = list->second.lower_bound(size);
  if (fit == list->second.end() || fit->first > size + size / 4) return nullptr;
  void* block = fit->second;
  stats_.bytes_cached -= int64_t(fit->first);
  list->second.erase(fit);
  return block;
}

void* CachingAllocator::from_system(size_t size) {
  const DeviceApi& api = device_api(kind_ == MemoryKind::cpu ? Device::cpu : Device::cuda);
  ++stats_.system_calls;
  return kind_ == MemoryKind::pinned ? api.allocate_pinned(size) : api.allocate(size);
}

void CachingAllocator::release(void* block) {
  const DeviceApi& api = device_api(kind_ == MemoryKind::cpu ? Device::cpu : Device::cuda);
  kind_ == MemoryKind::pinned ? api.release_pinned(block) : api.release(block);
}

void* CachingAllocator::allocate(size_t bytes) {
  std::lock_guard lock(mutex_);
  const bool debug = debug_memory() && kind_ == MemoryKind::cpu;
  // A bypassed cache takes exactly what was asked for, so that a sanitizer sees the first byte
  // behind it.
  const size_t size =
      bypass_cache() ? std::max<size_t>(bytes, 1) : size_class(bytes + (debug ? guard_bytes : 0));
  const uint64_t pool = MemoryPool::current();
  void* block = take_cached(size, pool);
  if (!block && pool) block = take_cached(size, 0);
  if (!block) {
    block = from_system(size);
    if (!block) {
      flush_locked();
      block = from_system(size);
    }
    if (!block)
      fail(ErrorKind::device, "allocator: no ", name(kind_), " memory for ", bytes, " bytes (",
           stats_.bytes_in_use, " in use, peak ", stats_.peak_bytes_in_use,
           "); try a smaller batch");
    blocks_[block] = {size, pool};
    stats_.peak_bytes_held =
        std::max(stats_.peak_bytes_held, stats_.bytes_in_use + stats_.bytes_cached + int64_t(size));
  } else {
    blocks_[block].pool = pool;
  }
  const size_t actual = blocks_[block].size;
  stats_.bytes_in_use += int64_t(actual);
  stats_.peak_bytes_in_use = std::max(stats_.peak_bytes_in_use, stats_.bytes_in_use);
  if (debug && !bypass_cache()) mark_debug(block, actual);
  return block;
}

void CachingAllocator::free(void* block) {
  if (!block) return;
  std::lock_guard lock(mutex_);
  const auto found = blocks_.find(block);
  LATHE_CHECK(found != blocks_.end(), "allocator: free of a block that it did not hand out");
  const Block info = found->second;
  stats_.bytes_in_use -= int64_t(info.size);
  if (debug_memory() && kind_ == MemoryKind::cpu && !bypass_cache() &&
      !guard_intact(block, info.size))
    std::abort();  // memory was written past its end: nothing after this can be trusted, and this
                   // may run in a destructor
  // A plan still uses memory that was freed while it was traced, so a pool's blocks stay until it
  // ends.
  if (bypass_cache() && info.pool == 0) {
    blocks_.erase(found);
    return release(block);
  }
  free_[info.pool].emplace(info.size, block);
  stats_.bytes_cached += int64_t(info.size);
}

void CachingAllocator::flush() {
  std::lock_guard lock(mutex_);
  flush_locked();
}

void CachingAllocator::flush_locked() {
  for (auto& [size, block] : free_[0]) {
    release(block);
    blocks_.erase(block);
    stats_.bytes_cached -= int64_t(size);
  }
  free_[0].clear();
}

void CachingAllocator::dissolve(uint64_t pool) {
  std::lock_guard lock(mutex_);
  for (auto& [block, info] : blocks_)
    if (info.pool == pool) info.pool = 0;
  auto list = free_.find(pool);
  if (list == free_.end()) return;
  free_[0].merge(list->second);
  free_.erase(pool);
  if (bypass_cache()) flush_locked();
}

AllocatorStats CachingAllocator::stats() const {
  std::lock_guard lock(mutex_);
  return stats_;
}

CachingAllocator& allocator(MemoryKind kind) {
  // Never destroyed: tensors with static lifetime may be freed after any destructor here would have
  // run.
  static auto* const all = new CachingAllocator[3]{CachingAllocator(MemoryKind::cpu),
                                                   CachingAllocator(MemoryKind::pinned),
                                                   CachingAllocator(MemoryKind::cuda)};
  return all[static_cast<size_t>(kind)];
}

MemoryPool::MemoryPool() {
  static std::atomic<uint64_t> next{1};
  id_ = next++;
}

MemoryPool::~MemoryPool() {
  for (MemoryKind kind : {MemoryKind::cpu, MemoryKind::pinned, MemoryKind::cuda})
    allocator(kind).dissolve(id_);
}

}  // namespace lathe
