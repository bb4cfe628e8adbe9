#include "kernels/emulator/requests.h"

#include <algorithm>
#include <bit>

namespace lathe::emulator {
namespace {

constexpr uint64_t sector_bytes = 32;
constexpr int banks = 32;

// Removes duplicates; returns how many are left.
size_t distinct(uint64_t* values, size_t count) {
  std::sort(values, values + count);
  return size_t(std::unique(values, values + count) - values);
}

// The words that lanes [begin, end) ask for: how many passes until each bank has served its own.
uint64_t passes(const Request& request, int begin, int end) {
  uint64_t words[32 * 4];
  size_t count = 0;
  for (int lane = begin; lane < end; lane++) {
    if (!(request.lanes >> lane & 1)) continue;
    const uint64_t first = request.address[lane] / 4,
                   last = (request.address[lane] + request.bytes[lane] - 1) / 4;
    for (uint64_t word = first; word <= last && count < std::size(words); word++) {
      words[count++] = word;
    }
  }
  uint64_t in_bank[banks] = {}, worst = 0;
  const size_t different = distinct(words, count);  // one word serves all lanes that want it
  for (size_t i = 0; i < different; i++) worst = std::max(worst, ++in_bank[words[i] % banks]);
  return worst;
}

}  // namespace

GlobalCounts& GlobalCounts::operator+=(const GlobalCounts& other) {
  requests += other.requests;
  lanes += other.lanes;
  sectors += other.sectors;
  useful_bytes += other.useful_bytes;
  return *this;
}

SharedCounts& SharedCounts::operator+=(const SharedCounts& other) {
  requests += other.requests;
  lanes += other.lanes;
  passes += other.passes;
  least_passes += other.least_passes;
  ways = std::max(ways, other.ways);
  return *this;
}

GlobalCounts global_cost(const Request& request) {
  uint64_t sectors[64], bytes[32 * 16];
  size_t sector_count = 0, byte_count = 0;
  for (int lane = 0; lane < 32; lane++) {
    if (!(request.lanes >> lane & 1)) continue;
    const uint64_t begin = request.address[lane], end = begin + request.bytes[lane];
    sectors[sector_count++] = begin / sector_bytes;
    sectors[sector_count++] = (end - 1) / sector_bytes;
    for (uint64_t byte = begin; byte < end; byte++) bytes[byte_count++] = byte;
  }
  return {1, uint64_t(std::popcount(request.lanes)), distinct(sectors, sector_count),
          distinct(bytes, byte_count)};
}

SharedCounts shared_cost(const Request& request) {
  int widest = 1;
  for (int lane = 0; lane < 32; lane++) {
    if (request.lanes >> lane & 1) widest = std::max(widest, int(request.bytes[lane]));
  }
  const int together = widest <= 4 ? 32 : widest <= 8 ? 16 : 8;  // lanes served at a time
  SharedCounts cost{1, uint64_t(std::popcount(request.lanes)), 0, 0, 0};
  for (int begin = 0; begin < 32; begin += together) {
    const uint64_t needed = passes(request, begin, begin + together);
    cost.passes += needed;
    cost.least_passes += needed > 0;
    cost.ways = std::max(cost.ways, needed);
  }
  return cost;
}

}  // namespace lathe::emulator
