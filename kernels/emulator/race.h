// The race checker (preset racecheck): sees every access of a kernel and knows when CUDA's memory
// model orders two of them. One run in any order finds every data race of that run, and every read
// of shared memory that nobody wrote.
//
// Two accesses to a byte, at least one a write and not both atomic, are ordered
//   in one thread; or in one block, when a __syncthreads lies between;
//   or in one warp, when a __syncwarp lies between (a shuffle does not order memory);
//   or across blocks, when the first's block passed a __threadfence after it and the second's block
//   passed one later still (how "the last block finishes" kernels work);
//   or when another launch lies between.
// The fence rule is generous and a __syncwarp counts for its whole warp: the checker may miss a
// race, but does not invent one.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "kernels/emulator/observer.h"

namespace lathe::emulator {

class RaceChecker : public Observer {
 public:
  void launch_begins(const LaunchInfo& launch) override;
  void block_begins(uint64_t block) override;
  void access(const Access& access) override;
  void copy_waited_for(const Access& copy) override { access(copy); }
  void block_barrier_released() override { barriers_++; }
  void warp_synchronised(unsigned warp) override { warp_barriers_[warp]++; }
  void fence() override;
  std::string verdict() override;

 private:
  // Who accessed a byte, and when.
  struct Record {
    uint64_t time = 0;  // global memory: of the clock; shared memory: the block's number of all
    uint32_t block = 0, barriers = 0, warp_barriers = 0;
    uint16_t thread = 0;
    bool atomic = false;
    const void* origin = nullptr;
  };
  // The last write, and two readers since: the second is another thread than the first.
  struct Cell {
    Record write, readers[2];
  };
  // The cells of 4096 bytes: one for each word until a smaller access comes, then one for each
  // byte.
  struct Page {
    unsigned shift = 2;
    std::vector<Cell> cells;
  };

  void access_cell(Cell& cell, const Access& access, const Record& now);
  Page& page_of(uintptr_t address, size_t bytes);
  bool exists(const Record& record, Space space) const;
  bool ordered(const Record& earlier, const Record& now, Space space) const;
  void read(Cell& cell, const Record& now, Space space) const;
  void report_race(const Record& earlier, bool earlier_wrote, const Access& access,
                   const Record& now);

  std::unordered_map<uintptr_t, Page> pages_;
  uintptr_t last_number_ = 0;  // of the page last asked for
  Page* last_page_ = nullptr;
  uint64_t clock_ = 1, launch_start_ = 1;
  uint64_t block_sequence_ = 0;  // counts all blocks of all launches: shared memory is new in each
  uint32_t block_ = 0, barriers_ = 0, warp_barriers_[32] = {};
  std::unordered_map<uint32_t, uint64_t> fences_;  // the time of each block's last one
  std::string finding_;
};

}  // namespace lathe::emulator
