// The block scheduler: starting, switching and ending the threads of a block, and its errors. What
// threads do together (barriers, warp collectives, asynchronous copies) is in block_sync.cpp.
#include "kernels/emulator/block.h"

#include <algorithm>
#include <exception>
#include <vector>

#include "tensor/check.h"

namespace lathe::emulator {

constinit thread_local BlockRunner* runner = nullptr;

namespace {

const char* describe(State state) {
  switch (state) {
    case State::not_started:
      return "not started";
    case State::running:
      return "ready";
    case State::at_barrier:
      return "at __syncthreads";
    case State::in_collective:
      return "in a warp collective";
    case State::exited:
      return "exited";
  }
  return "?";
}

}  // namespace

std::string hex(uint32_t mask) {
  char text[16];
  std::snprintf(text, sizeof text, "%#x", mask);
  return text;
}

std::string text(const uint3& index) {
  return "(" + std::to_string(index.x) + "," + std::to_string(index.y) + "," +
         std::to_string(index.z) + ")";
}

void Launch::record(const std::string& message) {
  std::lock_guard lock(mutex);
  failed = true;
  if (error.empty()) error = message;
}

BlockRunner::BlockRunner() : fibers_(&BlockRunner::fiber_main) {}

void BlockRunner::run(Launch& launch, uint3 block) {
  launch_ = &launch;
  prepare(block);
  try {
    while (!failed_ && !ready_.empty()) resume(take());
  } catch (const Error& error) {  // no stack for a thread
    record(error.what());
  }
  current_ = nullptr;
  if (!failed_ && alive_ > 0) record(deadlock());
  if (!failed_) {
    const std::string damage = shared_.damage();
    if (!damage.empty()) record(damage);
  }
  if (failed_) fibers_.reset();
  if (observer) observer->block_ends();
}

void BlockRunner::prepare(uint3 block) {
  const dim3 grid = launch_->grid;
  const uint64_t number = block.x + uint64_t(grid.x) * (block.y + uint64_t(grid.y) * block.z);
  failed_ = false;
  order_ = options().order;
  random_ = SmallRandom(options().seed * 0x9E3779B97F4A7C15u ^ launch_->id << 40 ^
                        (number + 1) * 0xD1B54A32D192ED03u);
  number_threads();
  ready_.clear();
  alive_ = launch_->block_threads();
  for (unsigned warp = 0; warp * 32 < alive_; warp++) {
    const unsigned lanes = std::min(32u, alive_ - warp * 32);
    const uint32_t exists = lanes == 32 ? ~0u : (1u << lanes) - 1;
    warps_[warp].exists = exists;
    warps_[warp].exited = warps_[warp].at_barrier = 0;
    warps_[warp].gatherings.clear();
    ready_.add(warp, exists);
  }
  waiting_ = waiting_true_ = 0;
  blockIdx = block;
  blockDim = launch_->block;
  gridDim = grid;
  shared_.begin_block(launch_->id, launch_->shared);
  if (observer) observer->block_begins(number);
}

void BlockRunner::number_threads() {
  const dim3 shape = launch_->block;
  const bool same = shape.x == shape_.x && shape.y == shape_.y && shape.z == shape_.z;
  if (!same) {
    shape_ = shape;
    threads_.assign(launch_->block_threads(), {});
  }
  for (unsigned i = 0; i < threads_.size(); i++) {
    Thread& thread = threads_[i];
    if (!same) {
      thread.index = {i % shape.x, i / shape.x % shape.y, i / (shape.x * shape.y)};
      thread.number = i;
      thread.warp = i / 32;
      thread.lane = i % 32;
    }
    thread.state = State::not_started;
    thread.fiber = nullptr;
    thread.copies.clear();
    thread.groups.clear();
  }
}

void BlockRunner::switch_to(Fiber& fiber) {
  Fiber& from = *here_;
  here_ = &fiber;
  from.switch_to(fiber);
}

void BlockRunner::activate(Thread& thread) {
  current_ = &thread;
  thread.state = State::running;
  threadIdx = thread.index;
}

void BlockRunner::resume(Thread& thread) {
  if (thread.fiber) {
    activate(thread);
    switch_to(*thread.fiber);
  } else {
    starting_ = &thread;
    switch_to(*fibers_.take());
  }
}

void BlockRunner::wait_current() {
  if (ready_.empty()) return switch_to(main_);
  Thread& next = take();
  if (&next == current_) {
    next.state = State::running;
  } else {
    resume(next);
  }
}

void BlockRunner::fiber_main() {
  for (;;) runner->run_threads();
}

// The body of a fiber: whole threads, one after another, until one of them has to wait. A thread
// that waits keeps its fiber and comes back inside run(), maybe much later.
void BlockRunner::run_threads() {
  Thread* thread = starting_;
  while (thread) {
    thread->fiber = here_;
    activate(*thread);
    if (!finish_current()) break;
    thread = ready_.empty() ? nullptr : &take();
    if (thread && thread->fiber) {
      fibers_.give_back(here_);
      activate(*thread);
      return switch_to(*thread->fiber);
    }
  }
  if (!failed_) fibers_.give_back(here_);
  switch_to(main_);
}

// Runs the current thread to its end. False if the launch failed meanwhile.
bool BlockRunner::finish_current() {
  try {
    launch_->kernel.run();
    exit_current();
  } catch (const Failed&) {
  } catch (const std::exception& error) {
    record(std::string("the kernel threw: ") + error.what());
  } catch (...) {
    record("the kernel threw something that is no std::exception");
  }
  return !failed_;
}

void BlockRunner::exit_current() {
  Thread& thread = *current_;
  thread.state = State::exited;
  thread.fiber = nullptr;
  alive_--;
  warps_[thread.warp].exited |= 1u << thread.lane;
  if (waiting_ > 0) {
    fail(barrier_place_,
         "thread " + text(thread.index) + " exited while " + std::to_string(waiting_) +
             (waiting_ == 1 ? " thread waits" : " threads wait") + " at this __syncthreads");
  }
  if (!warps_[thread.warp].gatherings.empty()) complete_gatherings(thread.warp);
}

void BlockRunner::record(const std::string& message) {
  failed_ = true;
  launch_->record(message + " [block " + text(blockIdx) + "]");
}

void BlockRunner::fail(Place place, const std::string& message) {
  record(emulator::text(place) + ": " + message);
  throw Failed();
}

std::string BlockRunner::deadlock() const {
  struct Group {
    std::string what;
    uint3 first;
    unsigned threads;
  };
  std::vector<Group> groups;
  for (const Thread& thread : threads_) {
    if (thread.state == State::exited) continue;
    std::string what = describe(thread.state);
    for (const Gathering& gathering : warps_[thread.warp].gatherings) {
      if (!(gathering.arrived >> thread.lane & 1)) continue;
      what = std::string("in ") + gathering.collective->name + " (mask " + hex(gathering.mask) +
             ", arrived " + hex(gathering.arrived) + ")";
    }
    if (thread.place.line) what = emulator::text(thread.place) + ": " + what;
    auto same = std::find_if(groups.begin(), groups.end(), [&](auto& g) { return g.what == what; });
    if (same == groups.end()) groups.push_back({what, thread.index, 0}), same = groups.end() - 1;
    same->threads++;
  }
  std::string message = "deadlock: " + std::to_string(alive_) + " threads wait for each other:";
  for (const Group& group : groups) {
    message += "\n  " + group.what + ": " + std::to_string(group.threads) +
               " threads, the first is " + text(group.first);
  }
  return message + "\n ";
}

}  // namespace lathe::emulator
