// Fibers: execution contexts with a stack each, between which one OS thread switches in a few
// nanoseconds (Boost.Context). A CUDA thread that waits is a fiber that was switched away from.
#pragma once

#include <boost/context/detail/fcontext.hpp>
#include <cstddef>
#include <memory>
#include <vector>

#include "kernels/emulator/sanitizer.h"

namespace lathe::emulator {

class Fiber {
 public:
  /// The OS thread's own context, on the stack that it already has.
  Fiber() = default;
  /// A fiber with a stack of its own. Stacks lie a power of two apart, so equal depths would share
  /// one set of the L1 cache; `colour` shifts the top (at 1024 threads: half the time of a
  /// barrier).
  explicit Fiber(unsigned colour);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// Prepares to run `entry` from the start, whatever the fiber did before.
  void restart(void (*entry)());

  /// Leaves this fiber, which is running, for another. Returns when somebody switches back.
  void switch_to(Fiber& next) {
    next_ = &next;
    sanitizer::leave_stack(&sanitizer_state_, next.stack_, next.stack_size_);
    arrived(boost::context::detail::jump_fcontext(next.context_, this));
    sanitizer::enter_stack(sanitizer_state_, nullptr, nullptr);
  }

  bool stack_contains(const void* address) const {
    return static_cast<size_t>(static_cast<const char*>(address) - stack_) < stack_size_;
  }

 private:
  // Runs in the fiber switched to: keeps the context of the one that was left.
  static void arrived(boost::context::detail::transfer_t from) {
    static_cast<Fiber*>(from.data)->context_ = from.fctx;
  }
  static void begin(boost::context::detail::transfer_t from);

  boost::context::detail::fcontext_t context_ = nullptr;
  char* stack_ = nullptr;
  size_t stack_size_ = 0;
  size_t colour_bytes_ = 0;
  void (*entry_)() = nullptr;
  void* sanitizer_state_ = nullptr;
  Fiber* next_ = nullptr;  // the one last switched to
};

/// The fibers of one OS thread. A fiber taken and not given back stays in use until reset().
class FiberPool {
 public:
  explicit FiberPool(void (*entry)()) : entry_(entry) {}
  Fiber* take();
  void give_back(Fiber* fiber) { free_.push_back(fiber); }
  /// Abandons whatever the fibers were doing: after an error.
  void reset();

 private:
  void (*entry_)();
  std::vector<std::unique_ptr<Fiber>> all_;
  std::vector<Fiber*> free_;
};

}  // namespace lathe::emulator
