// From single accesses to requests of the hardware: the k-th access at one place by the lanes of a
// warp belong together, whatever the order in which the emulator runs the lanes. And what such a
// request costs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "kernels/emulator/counters.h"

namespace lathe::emulator {

/// The accesses of a warp's lanes that the hardware serves together.
struct Request {
  uint32_t lanes = 0;  // which take part
  uint64_t address[32];
  uint8_t bytes[32];
};

GlobalCounts global_cost(const Request& request);

/// Addresses are offsets into shared memory.
SharedCounts shared_cost(const Request& request);

/// The requests of one warp at one place, as its lanes come by.
class RequestStream {
 public:
  /// Adds a lane's next access. Calls done(request) for each request that all lanes have joined.
  template <class Done>
  void add(unsigned lane, uint64_t address, size_t bytes, uint32_t all_lanes, const Done& done) {
    const uint64_t k = next_[lane]++;
    while (first_ + pending_.size() <= k) pending_.emplace_back();
    Request& request = pending_[k - first_];
    request.lanes |= 1u << lane;
    request.address[lane] = address;
    request.bytes[lane] = uint8_t(bytes);
    while (!pending_.empty() && pending_.front().lanes == all_lanes) take_front(done);
  }

  /// At the end of the block: requests that some lanes left out.
  template <class Done>
  void finish(const Done& done) {
    while (!pending_.empty()) take_front(done);
  }

 private:
  template <class Done>
  void take_front(const Done& done) {
    done(pending_.front());
    pending_.pop_front();
    first_++;
  }

  uint64_t next_[32] = {};  // each lane's number of accesses so far
  uint64_t first_ = 0;      // the number of the first pending request
  std::deque<Request> pending_;
};

}  // namespace lathe::emulator
