// The observer behind counters.h: sorts a kernel's accesses into requests and adds up their costs.
#include "kernels/emulator/counters.h"

#include <algorithm>
#include <bitset>
#include <map>
#include <memory>
#include <tuple>
#include <unordered_map>

#include "kernels/emulator/block.h"
#include "kernels/emulator/requests.h"
#include "kernels/emulator/runtime.h"
#include "kernels/emulator/symbols.h"

namespace lathe::emulator {
namespace {

// What tells kinds of accesses apart. Two calls on one line may share an origin, hence the rest.
struct Kind {
  const void* origin;
  bool write, atomic;
  Space space;
  auto tie() const { return std::tuple(origin, write, atomic, space); }
  bool operator<(const Kind& other) const { return tie() < other.tie(); }
  bool operator==(const Kind& other) const { return tie() == other.tie(); }
};

// Which bytes of memory a launch has touched, for the least traffic that would have done.
class TouchedBytes {
 public:
  void add(uint64_t address, size_t bytes) {
    for (uint64_t byte = address; byte < address + bytes; byte++) {
      if (byte / page_bytes != last_number_) {
        last_number_ = byte / page_bytes;
        auto& page = pages_[last_number_];
        if (!page) page = std::make_unique<Page>();
        last_ = page.get();
      }
      last_->set(byte % page_bytes);
    }
  }
  /// How many there were; forgets them.
  uint64_t take() {
    uint64_t sum = 0;
    for (const auto& [number, page] : pages_) sum += page->count();
    pages_.clear();
    last_number_ = ~0ull;
    return sum;
  }

 private:
  static constexpr uint64_t page_bytes = 4096;
  using Page = std::bitset<page_bytes>;
  std::unordered_map<uint64_t, std::unique_ptr<Page>> pages_;
  uint64_t last_number_ = ~0ull;
  Page* last_ = nullptr;
};

struct Totals {
  KernelCounts counts;
  std::map<Kind, LineCounts> lines;
  uint64_t executed[size_t(Instruction::count)] = {};
};

class Profiler : public Observer {
 public:
  void launch_begins(const LaunchInfo& launch) override {
    auto found = std::find_if(kernels_.begin(), kernels_.end(),
                              [&](const auto& known) { return known.first == launch.kernel; });
    if (found == kernels_.end()) {
      found = kernels_.insert(kernels_.end(), {launch.kernel, std::make_unique<Totals>()});
      KernelCounts& counts = found->second->counts;
      const KernelSymbol symbol = kernel_symbol(launch.kernel);
      counts.kernel = kernel_full_name(launch.kernel);
      counts.symbol = symbol.mangled;
      counts.file = symbol.file;
    }
    current_ = found->second.get();
    KernelCounts& counts = current_->counts;
    counts.launches++;
    counts.blocks += launch.blocks;
    counts.threads += launch.blocks * launch.block_threads;
    counts.block_threads = std::max(counts.block_threads, launch.block_threads);
    counts.dynamic_shared_bytes =
        std::max<uint64_t>(counts.dynamic_shared_bytes, launch.dynamic_bytes);
    block_threads_ = launch.block_threads;
  }

  void launch_ends() override { current_->counts.least_bytes += read_.take() + written_.take(); }

  void access(const Access& access) override {
    const Thread& thread = *runner->current();
    const bool shared = access.space == Space::shared;
    const uint64_t address = shared ? runner->shared().offset(access.address)
                                    : reinterpret_cast<uint64_t>(access.address);
    if (!shared) {
      if (!access.write || access.atomic) read_.add(address, access.bytes);
      if (access.write) written_.add(address, access.bytes);
    }
    const Kind kind{access.origin, access.write, access.atomic, access.space};
    const unsigned lanes = std::min(32u, block_threads_ - thread.warp * 32);
    const uint32_t all = lanes == 32 ? ~0u : (1u << lanes) - 1;
    streams_[thread.warp][kind].add(thread.lane, address, access.bytes, all,
                                    [&](const Request& request) { account(kind, request); });
  }

  void block_ends() override {
    for (auto& streams : streams_) {
      for (auto& [kind, stream] : streams) {
        stream.finish([this, &kind = kind](const Request& request) { account(kind, request); });
      }
      streams.clear();
    }
  }

  void executes(Instruction instruction) override { current_->executed[size_t(instruction)]++; }

  std::vector<KernelCounts> take();

 private:
  void account(const Kind& kind, const Request& request) {
    LineCounts& line = current_->lines[kind];
    if (kind.space == Space::shared) {
      line.shared_counts += shared_cost(request);
    } else {
      line.global_counts += global_cost(request);
    }
  }

  std::vector<std::pair<const void*, std::unique_ptr<Totals>>> kernels_;
  Totals* current_ = nullptr;
  unsigned block_threads_ = 0;
  std::map<Kind, RequestStream> streams_[32];  // of the block's warps
  TouchedBytes read_, written_;
};

// One entry a line and kind: an unrolled loop has many instructions on one line.
std::vector<LineCounts> by_line(const std::map<Kind, LineCounts>& lines) {
  std::vector<const void*> addresses;
  for (const auto& [kind, counts] : lines) {
    if (!is_place_origin(kind.origin)) addresses.push_back(kind.origin);
  }
  find_source_lines(addresses);
  std::map<std::tuple<std::string, bool, bool, Space>, LineCounts> merged;
  for (const auto& [kind, counts] : lines) {
    const std::string place = origin_text(kind.origin);
    LineCounts& line = merged[{place, kind.write, kind.atomic, kind.space}];
    line.place = place;
    line.write = kind.write;
    line.atomic = kind.atomic;
    line.shared = kind.space == Space::shared;
    line.global_counts += counts.global_counts;
    line.shared_counts += counts.shared_counts;
  }
  std::vector<LineCounts> result;
  for (auto& [key, line] : merged) result.push_back(std::move(line));
  return result;
}

std::vector<KernelCounts> Profiler::take() {
  std::vector<KernelCounts> all;
  for (auto& [function, totals] : kernels_) {
    KernelCounts& counts = all.emplace_back(std::move(totals->counts));
    counts.lines = by_line(totals->lines);
    for (const LineCounts& line : counts.lines) {
      (line.write ? counts.stores : counts.loads) += line.global_counts;
      counts.shared += line.shared_counts;
    }
    const Totals& all_of_kernel = *totals;
    const auto executed = [&](Instruction i) { return all_of_kernel.executed[size_t(i)]; };
    counts.block_barriers = executed(Instruction::block_barrier);
    counts.warp_barriers = executed(Instruction::warp_barrier);
    counts.shuffles = executed(Instruction::shuffle);
    counts.votes = executed(Instruction::vote);
    counts.matrix_products = executed(Instruction::matrix) / 32;
    counts.matrix_loads = executed(Instruction::matrix_load) / 32;
  }
  kernels_.clear();
  return all;
}

Profiler profiler;

}  // namespace

bool counters_available() { return true; }

void counters_start() {
  std::lock_guard lock(runtime().mutex);
  profiler = Profiler();
  observer = &profiler;
}

std::vector<KernelCounts> counters_stop() {
  std::lock_guard lock(runtime().mutex);
  observer = nullptr;
  return profiler.take();
}

}  // namespace lathe::emulator
