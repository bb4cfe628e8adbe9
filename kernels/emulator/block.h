// Runs one block of a kernel on one OS thread. A CUDA thread is a fiber that gives up the processor
// only where the CUDA model lets threads wait for each other: at __syncthreads, at a warp's
// collective, and at its end. A fiber runs one thread after another until one has to wait, so a
// kernel that never synchronises is a plain loop without a single switch.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "kernels/emulator/device_api.h"
#include "kernels/emulator/fiber.h"
#include "kernels/emulator/intrinsics.h"
#include "kernels/emulator/options.h"
#include "kernels/emulator/ready_set.h"
#include "kernels/emulator/shared_memory.h"

namespace lathe::emulator {

/// A kernel launch being executed; shared by the OS threads that run its blocks.
struct Launch {
  const Kernel& kernel;
  dim3 grid, block;
  SharedSizes shared;
  uint64_t id;

  unsigned block_threads() const { return block.x * block.y * block.z; }
  uint64_t blocks() const { return uint64_t(grid.x) * grid.y * grid.z; }
  /// Keeps the first error and stops the other blocks.
  void record(const std::string& message);

  std::atomic<uint64_t> next_block{0};
  std::atomic<bool> failed{false};
  std::mutex mutex{};
  std::string error{};
};

enum class State : uint8_t { not_started, running, at_barrier, in_collective, exited };

struct AsyncCopy {
  void* to;
  const void* from;
  size_t bytes, valid;  // the rest of `bytes` becomes zero
  bool landed;
  Place place;
};

struct Thread {
  uint3 index;
  unsigned number, warp, lane;
  State state;
  Fiber* fiber;                   // null until it first waits
  Place place;                    // where it waits
  void* payload;                  // what it brought to a warp's collective
  std::vector<AsyncCopy> copies;  // in order of issue
  std::vector<size_t> groups;     // committed: number of copies in each
};

/// Lanes that gather for one warp collective.
struct Gathering {
  uint32_t mask, arrived;
  const Collective* collective;
  Place place;
};

struct Warp {
  uint32_t exists, exited, at_barrier;
  std::vector<Gathering> gatherings;
};

/// For messages: "(16,0,0)" and "0xffff".
std::string text(const uint3& index);
std::string hex(uint32_t mask);

class BlockRunner {
 public:
  BlockRunner();

  void run(Launch& launch, uint3 block);

  // For the thread that is running:
  BarrierVote barrier(int predicate, Place place);
  void collective(uint32_t mask, void* payload, const Collective& kind, Place place);
  void async_copy(void* to, const void* from, size_t bytes, size_t valid, Place place);
  void async_commit();
  void async_wait(size_t pending_groups);
  void* shared_object(const SharedMemory::Declaration& declaration);
  [[noreturn]] void fail(Place place, const std::string& message);

  const Thread* current() const { return current_; }
  uint32_t live_lanes() const;
  const SharedMemory& shared() const { return shared_; }
  const Fiber& fiber() const { return *here_; }
  const void* kernel() const { return launch_->kernel.function; }
  uint64_t launch_number() const { return launch_->id; }
  bool skips(Place place, SyncKind kind) const {
    return watching_places && place_is_skipped(place, kind, kernel());
  }

 private:
  struct Failed {};  // thrown to end the thread that found an error; the others are abandoned

  static void fiber_main();
  void run_threads();
  void prepare(uint3 block);
  void number_threads();
  bool finish_current();
  void exit_current();
  void wait_current();
  void resume(Thread& thread);
  void switch_to(Fiber& fiber);
  Thread& take() { return threads_[ready_.take(order_, random_)]; }
  void activate(Thread& thread);

  void check_barrier(const Thread& thread, Place place);
  void release_barrier();
  void complete_gatherings(unsigned warp);
  bool complete(unsigned warp, Gathering& gathering);
  void land(AsyncCopy& copy);

  void record(const std::string& message);
  std::string deadlock() const;

  FiberPool fibers_;
  Fiber main_;            // the OS thread's own context
  Fiber* here_ = &main_;  // the one that is running
  Thread* current_ = nullptr;
  Thread* starting_ = nullptr;  // handed to a fresh fiber
  std::vector<Thread> threads_;
  Warp warps_[32];
  ReadySet ready_;
  SharedMemory shared_;
  Launch* launch_ = nullptr;
  dim3 shape_{0, 0, 0};  // the block that threads_ is numbered for
  Order order_ = Order::forward;
  SmallRandom random_;
  bool failed_ = false;

  unsigned alive_ = 0;
  unsigned waiting_ = 0, waiting_true_ = 0;  // at the block's barrier
  unsigned first_waiting_ = 0;
  Place barrier_place_;
  BarrierVote vote_{};
};

/// The runner of this OS thread; null outside kernels' blocks.
extern constinit thread_local BlockRunner* runner __attribute__((tls_model("initial-exec")));

}  // namespace lathe::emulator
