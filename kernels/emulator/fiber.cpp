#include "kernels/emulator/fiber.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "tensor/check.h"

namespace lathe::emulator {
namespace {

constexpr size_t guard_size = 4096;
// Only pages that are touched cost memory. Redzones make frames several times larger.
constexpr size_t default_stack_size = sanitizer::active ? 512 * 1024 : 128 * 1024;
constexpr size_t colour_step = 320;

// A process has a limited number of mappings (65530 by default), and a stack with its guard page
// takes two of them.
[[noreturn]] void refuse(const char* what) {
  fail(ErrorKind::device, "emulator: ", what, " (", std::strerror(errno),
       "); each OS thread needs 2048 memory mappings for blocks of 1024 threads: set "
       "LATHE_EMULATOR_THREADS to fewer");
}

}  // namespace

Fiber::Fiber(unsigned colour) : stack_size_(default_stack_size) {
  colour_bytes_ = colour * colour_step % 4096;
  void* p = mmap(nullptr, guard_size + stack_size_, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) refuse("no memory for a thread's stack");
  if (mprotect(p, guard_size, PROT_NONE) != 0) {
    munmap(p, guard_size + stack_size_);
    refuse("no guard page for a thread's stack");
  }
  stack_ = static_cast<char*>(p) + guard_size;
}

Fiber::~Fiber() {
  if (stack_ && entry_) munmap(stack_ - guard_size, guard_size + stack_size_);
}

void Fiber::restart(void (*entry)()) {
  sanitizer::unpoison(stack_, stack_size_);
  sanitizer_state_ = nullptr;
  entry_ = entry;
  context_ = boost::context::detail::make_fcontext(stack_ + stack_size_ - colour_bytes_,
                                                   stack_size_ - colour_bytes_, &Fiber::begin);
}

void Fiber::begin(boost::context::detail::transfer_t from) {
  arrived(from);
  auto* origin = static_cast<Fiber*>(from.data);
  // The first switch tells where the OS thread's own stack lies, which is asked for on the way
  // back.
  const void* bottom = nullptr;
  size_t size = 0;
  sanitizer::enter_stack(nullptr, &bottom, &size);
  if (!origin->stack_) {
    origin->stack_ = static_cast<char*>(const_cast<void*>(bottom));
    origin->stack_size_ = size;
  }
  origin->next_->entry_();
}

Fiber* FiberPool::take() {
  if (free_.empty()) {
    all_.push_back(std::make_unique<Fiber>(unsigned(all_.size())));
    all_.back()->restart(entry_);
    return all_.back().get();
  }
  Fiber* fiber = free_.back();
  free_.pop_back();
  return fiber;
}

void FiberPool::reset() {
  free_.clear();
  for (auto& fiber : all_) {
    fiber->restart(entry_);
    free_.push_back(fiber.get());
  }
}

}  // namespace lathe::emulator
