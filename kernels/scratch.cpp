#include "kernels/scratch.h"

#include <memory>
#include <new>

namespace lathe::kernels {
namespace {

constexpr std::align_val_t alignment{64};

struct Free {
  void operator()(std::byte* block) const { ::operator delete(block, alignment); }
};
struct Block {
  std::unique_ptr<std::byte, Free> memory;
  size_t bytes = 0;
};
thread_local Block blocks[2];

}  // namespace

void* scratch_memory(ScratchUse use, size_t bytes) {
  Block& block = blocks[int(use)];
  if (block.bytes < bytes) {
    block.memory.reset();
    block.bytes = 0;
    block.memory.reset(static_cast<std::byte*>(::operator new(bytes, alignment)));
    block.bytes = bytes;
  }
  return block.memory.get();
}

}  // namespace lathe::kernels
