#include "kernels/emulator/grid.h"

#include <condition_variable>
#include <mutex>
#include <numeric>
#include <thread>
#include <vector>

#include "kernels/emulator/block.h"

namespace lathe::emulator {
namespace {

// Maps the i-th block handed out to a block of the grid: a permutation that depends on the order.
class BlockOrder {
 public:
  BlockOrder(uint64_t blocks, uint64_t launch) : blocks_(blocks), order_(options().order) {
    if (order_ != Order::random) return;
    const uint64_t bits = options().seed * 0x9E3779B97F4A7C15u + launch * 0xD1B54A32D192ED03u;
    offset_ = bits % blocks;
    step_ = (bits >> 20) % blocks | 1;
    while (std::gcd(step_, blocks) != 1) step_ += 2;
  }
  uint64_t operator()(uint64_t i) const {
    if (order_ == Order::forward) return i;
    if (order_ == Order::reverse) return blocks_ - 1 - i;
    return uint64_t((static_cast<unsigned __int128>(i) * step_ + offset_) % blocks_);
  }

 private:
  uint64_t blocks_;
  Order order_;
  uint64_t step_ = 1, offset_ = 0;
};

void run_blocks(Launch& launch) {
  thread_local BlockRunner mine;
  runner = &mine;
  const BlockOrder order(launch.blocks(), launch.id);
  for (uint64_t i; !launch.failed && (i = launch.next_block++) < launch.blocks();) {
    const uint64_t block = order(i), row = block / launch.grid.x;
    mine.run(launch, {unsigned(block % launch.grid.x), unsigned(row % launch.grid.y),
                      unsigned(row / launch.grid.y)});
  }
  runner = nullptr;
}

// OS threads that wait for launches. The caller of run() works too.
class Pool {
 public:
  explicit Pool(unsigned helpers) {
    for (unsigned i = 0; i < helpers; i++) threads_.emplace_back([this] { serve(); });
  }
  ~Pool() {
    {
      std::lock_guard lock(mutex_);
      stop_ = true;
    }
    work_arrived_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  unsigned helpers() const { return unsigned(threads_.size()); }

  void run(Launch& launch) {
    {
      std::lock_guard lock(mutex_);
      launch_ = &launch;
      generation_++;
      busy_ = helpers();
    }
    work_arrived_.notify_all();
    run_blocks(launch);
    std::unique_lock lock(mutex_);
    work_done_.wait(lock, [&] { return busy_ == 0; });
  }

 private:
  void serve() {
    std::unique_lock lock(mutex_);
    for (uint64_t seen = 0;;) {
      work_arrived_.wait(lock, [&] { return stop_ || generation_ != seen; });
      if (stop_) return;
      seen = generation_;
      Launch& launch = *launch_;
      lock.unlock();
      run_blocks(launch);
      lock.lock();
      if (--busy_ == 0) work_done_.notify_one();
    }
  }

  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::condition_variable work_arrived_, work_done_;
  Launch* launch_ = nullptr;
  uint64_t generation_ = 0;
  unsigned busy_ = 0;
  bool stop_ = false;
};

// A pool of options().threads - 1 helpers, remade when a test changes that number.
Pool& pool() {
  static std::unique_ptr<Pool> instance;
  const unsigned helpers = options().threads - 1;
  if (!instance || instance->helpers() != helpers) instance = std::make_unique<Pool>(helpers);
  return *instance;
}

// Below this many threads a launch is over before the pool has woken up.
constexpr uint64_t worth_sharing = 8192;

std::string extents(dim3 d) {
  return "(" + std::to_string(d.x) + "," + std::to_string(d.y) + "," + std::to_string(d.z) + ")";
}

}  // namespace

std::string launch_error(dim3 grid, dim3 block, size_t dynamic_bytes) {
  const uint64_t threads = uint64_t(block.x) * block.y * block.z;
  if (threads == 0 || threads > 1024 || block.z > 64) {
    return "launch: a block has 1 to 1024 threads and at most 64 in z, not " + extents(block);
  }
  if (!grid.x || !grid.y || !grid.z || grid.x > 0x7fffffffu || grid.y > 65535 || grid.z > 65535) {
    return "launch: a grid has 1 to 2147483647 blocks in x and 1 to 65535 in y and z, not " +
           extents(grid);
  }
  if (dynamic_bytes > SharedMemory::block_limit) {
    return "launch: " + std::to_string(dynamic_bytes) + " bytes of dynamic shared memory, limit " +
           std::to_string(SharedMemory::block_limit);
  }
  return {};
}

std::string run_grid(const Kernel& kernel, dim3 grid, dim3 block, SharedSizes shared) {
  static uint64_t launches = 0;
  Launch launch{kernel, grid, block, shared, ++launches};
  if (observer) {  // which sees one block at a time
    observer->launch_begins(
        {kernel.function, launch.blocks(), launch.block_threads(), shared.dynamic});
    run_blocks(launch);
    observer->launch_ends();
    const std::string verdict = observer->verdict();
    if (launch.error.empty()) launch.error = verdict;
  } else if (options().threads == 1 || launch.blocks() == 1 ||
             launch.blocks() * launch.block_threads() < worth_sharing) {
    run_blocks(launch);
  } else {
    pool().run(launch);
  }
  return launch.error;
}

}  // namespace lathe::emulator
