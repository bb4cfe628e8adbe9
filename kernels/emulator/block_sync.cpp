// What the threads of a block do together: barriers, warp collectives, asynchronous copies, shared
// objects. Stricter than the hardware on purpose: where CUDA leaves the behaviour undefined, the
// launch ends with an error that names the place.
#include <cstring>

#include "kernels/emulator/block.h"

namespace lathe::emulator {

BarrierVote BlockRunner::barrier(int predicate, Place place) {
  Thread& thread = *current_;
  if (skips(place, SyncKind::block_barrier))
    return {predicate != 0, predicate != 0, predicate != 0};
  if (observer) observer->executes(Instruction::block_barrier);
  check_barrier(thread, place);
  thread.state = State::at_barrier;
  thread.place = place;
  warps_[thread.warp].at_barrier |= 1u << thread.lane;
  waiting_++;
  waiting_true_ += predicate != 0;
  if (waiting_ == alive_) release_barrier();
  wait_current();
  return vote_;
}

void BlockRunner::check_barrier(const Thread& thread, Place place) {
  if (alive_ != threads_.size()) {
    const size_t exited = threads_.size() - alive_;
    fail(place, "thread " + text(thread.index) + " waits at this __syncthreads, but " +
                    std::to_string(exited) + (exited == 1 ? " thread" : " threads") +
                    " of the block already exited");
  }
  if (waiting_ == 0) {
    barrier_place_ = place;
    first_waiting_ = thread.number;
  } else if (!(place == barrier_place_)) {
    fail(place, "divergent barrier: thread " + text(thread.index) +
                    " is at this __syncthreads while thread " +
                    text(threads_[first_waiting_].index) + " waits at " +
                    emulator::text(barrier_place_));
  }
}

void BlockRunner::release_barrier() {
  vote_ = {int(waiting_true_), waiting_true_ == waiting_, waiting_true_ > 0};
  waiting_ = waiting_true_ = 0;
  for (unsigned warp = 0; warp * 32 < threads_.size(); warp++) {
    ready_.add(warp, warps_[warp].at_barrier);
    warps_[warp].at_barrier = 0;
  }
  if (observer) observer->block_barrier_released();
}

void BlockRunner::collective(uint32_t mask, void* payload, const Collective& kind, Place place) {
  Thread& thread = *current_;
  Warp& warp = warps_[thread.warp];
  if (kind.orders_memory && skips(place, SyncKind::warp_barrier)) return;
  if (observer) observer->executes(kind.instruction);
  if (!(mask >> thread.lane & 1)) {
    fail(place, std::string(kind.name) + ": lane " + std::to_string(thread.lane) +
                    " calls it with mask " + hex(mask) + ", which does not name that lane");
  }
  thread.state = State::in_collective;
  thread.payload = payload;
  thread.place = place;
  Gathering* gathering = nullptr;
  for (Gathering& g : warp.gatherings) {
    if (g.mask == mask && g.collective == &kind) gathering = &g;
  }
  if (!gathering) gathering = &warp.gatherings.emplace_back(Gathering{mask, 0, &kind, place});
  gathering->arrived |= 1u << thread.lane;
  complete(thread.warp, *gathering);
  wait_current();
}

// Called when a lane arrives or exits. Returns whether the gathering was complete (and is gone).
bool BlockRunner::complete(unsigned warp, Gathering& gathering) {
  Warp& w = warps_[warp];
  const uint32_t needed = gathering.mask & w.exists & ~w.exited;
  if (!needed || gathering.arrived != needed) return false;
  const Gathering done = gathering;
  if (done.mask & w.exited) {
    fail(done.place, std::string(done.collective->name) + ": mask " + hex(done.mask) +
                         " names lanes that have exited (" + hex(done.mask & w.exited) + ")");
  }
  gathering = w.gatherings.back();
  w.gatherings.pop_back();
  void* payloads[32] = {};
  for (unsigned lane = 0; lane < 32; lane++) {
    if (needed >> lane & 1) payloads[lane] = threads_[warp * 32 + lane].payload;
  }
  if (done.collective->compute) done.collective->compute(payloads, needed, done.place);
  ready_.add(warp, needed);
  if (done.collective->orders_memory && observer) observer->warp_synchronised(warp);
  return true;
}

void BlockRunner::complete_gatherings(unsigned warp) {
  auto& gatherings = warps_[warp].gatherings;
  for (size_t i = 0; i < gatherings.size();) {
    if (!complete(warp, gatherings[i])) i++;
  }
}

uint32_t BlockRunner::live_lanes() const {
  const Warp& warp = warps_[current_->warp];
  return warp.exists & ~warp.exited;
}

// The bytes of cp.async may arrive at any time between its issue and its wait. They do so at the
// wait in forward order, at the issue in reverse, at either in random order: so both a missing wait
// and a buffer that is reused too early change the result in some order.
void BlockRunner::async_copy(void* to, const void* from, size_t bytes, size_t valid, Place place) {
  const auto address = reinterpret_cast<uintptr_t>(to) | reinterpret_cast<uintptr_t>(from);
  if (address % bytes != 0) {
    fail(place, "cp_async: both addresses must be multiples of " + std::to_string(bytes));
  }
  if (!shared_.contains(to)) fail(place, "cp_async: the destination is not in shared memory");
  touch(to, bytes, true, false, place);
  touch(from, valid, false, false, place);
  current_->copies.push_back({to, from, bytes, valid, false, place});
  const bool now = order_ == Order::reverse || (order_ == Order::random && random_.coin());
  if (now) land(current_->copies.back());
}

void BlockRunner::land(AsyncCopy& copy) {
  if (copy.landed) return;
  copy.landed = true;
  if (copy.valid) std::memcpy(copy.to, copy.from, copy.valid);
  std::memset(static_cast<char*>(copy.to) + copy.valid, 0, copy.bytes - copy.valid);
}

void BlockRunner::async_commit() {
  size_t committed = 0;
  for (size_t group : current_->groups) committed += group;
  current_->groups.push_back(current_->copies.size() - committed);
}

void BlockRunner::async_wait(size_t pending_groups) {
  Thread& thread = *current_;
  while (thread.groups.size() > pending_groups) {
    const auto end = thread.copies.begin() + std::ptrdiff_t(thread.groups.front());
    for (auto copy = thread.copies.begin(); copy != end; ++copy) {
      land(*copy);
      if (observer) {
        observer->copy_waited_for(
            {copy->to, copy->bytes, true, false, Space::shared, place_origin(copy->place)});
      }
    }
    thread.copies.erase(thread.copies.begin(), end);
    thread.groups.erase(thread.groups.begin());
  }
}

void* BlockRunner::shared_object(const SharedMemory::Declaration& declaration) {
  std::string error;
  void* memory = shared_.declare(declaration, error);
  if (!memory) fail(declaration.place, error);
  return memory;
}

}  // namespace lathe::emulator
