#include "kernels/emulator/race.h"

#include <algorithm>

#include "kernels/emulator/block.h"

namespace lathe::emulator {
namespace {

constexpr uintptr_t page_bytes = 4096;
constexpr size_t most_idle_pages = 1024;  // about 130 MB of cells

RaceChecker checker;
const bool installed = [] {
  observer = &checker;
  return true;
}();

std::string who(uint16_t thread, uint32_t block, bool name_block) {
  return "thread " + std::to_string(thread) +
         (name_block ? " of block " + std::to_string(block) : std::string());
}

}  // namespace

void RaceChecker::launch_begins(const LaunchInfo&) {
  launch_start_ = ++clock_;
  fences_.clear();
  // What earlier launches did is ordered before this one: their cells are kept only as memory that
  // need not be asked for again.
  if (pages_.size() > most_idle_pages) {
    pages_.clear();
    last_page_ = nullptr;
  }
}

void RaceChecker::block_begins(uint64_t block) {
  block_ = uint32_t(block);
  block_sequence_++;
  barriers_ = 0;
  std::fill(std::begin(warp_barriers_), std::end(warp_barriers_), 0);
}

void RaceChecker::fence() { fences_[block_] = ++clock_; }

std::string RaceChecker::verdict() {
  std::string finding;
  finding.swap(finding_);
  return finding;
}

RaceChecker::Page& RaceChecker::page_of(uintptr_t address, size_t bytes) {
  if (!last_page_ || last_number_ != address / page_bytes) {
    last_number_ = address / page_bytes;
    last_page_ = &pages_[last_number_];
  }
  Page& page = *last_page_;
  if (page.cells.empty()) page.cells.resize(page_bytes >> page.shift);
  if (page.shift > 0 && (address | bytes) % 4 != 0) {
    std::vector<Cell> bytewise(page_bytes);
    for (size_t i = 0; i < page_bytes; i++) bytewise[i] = page.cells[i >> page.shift];
    page.cells = std::move(bytewise);
    page.shift = 0;
  }
  return page;
}

void RaceChecker::access(const Access& access) {
  const Thread& thread = *runner->current();
  const Record now{access.space == Space::shared ? block_sequence_ : clock_,
                   block_,
                   barriers_,
                   warp_barriers_[thread.warp],
                   uint16_t(thread.number),
                   access.atomic,
                   access.origin};
  const auto begin = reinterpret_cast<uintptr_t>(access.address), end = begin + access.bytes;
  for (uintptr_t at = begin; at < end;) {
    const uintptr_t stop = std::min(end, (at / page_bytes + 1) * page_bytes);
    Page& page = page_of(at, stop - at);
    for (; at < stop; at += uintptr_t(1) << page.shift) {
      access_cell(page.cells[at % page_bytes >> page.shift], access, now);
    }
  }
}

void RaceChecker::access_cell(Cell& cell, const Access& access, const Record& now) {
  const Space space = access.space;
  const bool written = exists(cell.write, space);
  if (space == Space::shared && !access.write && !written && finding_.empty()) {
    finding_ = origin_text(access.origin) + ": " + who(now.thread, block_, false) +
               " reads shared memory that nobody has written [block " + std::to_string(block_) +
               "]";
  }
  if (written && !ordered(cell.write, now, space) && !(access.atomic && cell.write.atomic)) {
    report_race(cell.write, true, access, now);
  }
  if (!access.write) return read(cell, now, space);
  for (Record& reader : cell.readers) {
    if (exists(reader, space) && !ordered(reader, now, space)) {
      report_race(reader, false, access, now);
    }
    reader.time = 0;
  }
  cell.write = now;
}

void RaceChecker::read(Cell& cell, const Record& now, Space space) const {
  Record& first = cell.readers[0];
  Record& second = cell.readers[1];
  const bool same = first.thread == now.thread && first.block == now.block;
  if (!exists(first, space) || same || ordered(first, now, space)) {
    first = now;
  } else if (!exists(second, space) || ordered(second, now, space)) {
    second = now;
  }
}

bool RaceChecker::exists(const Record& record, Space space) const {
  if (space == Space::shared) return record.time == block_sequence_;
  return record.time != 0;
}

bool RaceChecker::ordered(const Record& earlier, const Record& now, Space space) const {
  if (space == Space::global) {
    if (earlier.time < launch_start_) return true;
    if (earlier.block != now.block) {
      const auto released = fences_.find(earlier.block), acquired = fences_.find(now.block);
      return released != fences_.end() && acquired != fences_.end() &&
             earlier.time < released->second && released->second < acquired->second;
    }
  }
  if (earlier.thread == now.thread || earlier.barriers != now.barriers) return true;
  return earlier.thread / 32 == now.thread / 32 && earlier.warp_barriers != now.warp_barriers;
}

void RaceChecker::report_race(const Record& earlier, bool earlier_wrote, const Access& access,
                              const Record& now) {
  if (!finding_.empty()) return;
  const bool across = earlier.block != now.block && access.space == Space::global;
  const char* before = earlier.atomic ? "changed atomically" : earlier_wrote ? "wrote" : "read";
  const char* after = access.atomic ? "changes atomically" : access.write ? "writes" : "reads";
  finding_ = origin_text(access.origin) + ": race in " +
             (access.space == Space::shared ? "shared" : "global") +
             " memory: " + who(now.thread, now.block, across) + " " + after + " what " +
             who(earlier.thread, earlier.block, across) + " " + before + " at " +
             origin_text(earlier.origin) +
             (across ? " in the same launch"
                     : ", with no barrier between them [block " + std::to_string(now.block) + "]");
}

}  // namespace lathe::emulator
