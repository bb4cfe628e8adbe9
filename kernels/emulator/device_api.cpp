#include "kernels/emulator/device_api.h"

#include <cstdarg>
#include <cstdio>
#include <set>

#include "kernels/emulator/block.h"
#include "kernels/emulator/symbols.h"
#include "tensor/check.h"

namespace lathe::emulator {
namespace {

// The runner of the kernel that calls; code outside a kernel has none.
BlockRunner& active(const char* what) {
  if (!runner || !runner->current()) {
    lathe::fail(ErrorKind::usage, what, ": called outside a kernel");
  }
  return *runner;
}

// Places of accesses that hooks do not see. A node's address stands for its place, as a return
// address stands for the others.
struct PlaceOrder {
  bool operator()(const Place& a, const Place& b) const {
    return a.line != b.line ? a.line < b.line : std::string_view(a.file) < b.file;
  }
};
std::mutex places_mutex;
std::set<Place, PlaceOrder> places;
std::set<const void*> place_addresses;

}  // namespace

Observer* observer = nullptr;

const void* place_origin(const Place& place) {
  thread_local Place last;
  thread_local const void* last_address = nullptr;
  if (last_address && last.file == place.file && last.line == place.line) return last_address;
  std::lock_guard lock(places_mutex);
  last = place;
  last_address = &*places.insert(place).first;
  place_addresses.insert(last_address);
  return last_address;
}

bool is_place_origin(const void* origin) {
  std::lock_guard lock(places_mutex);
  return place_addresses.contains(origin);
}

std::string origin_text(const void* origin) {
  return is_place_origin(origin) ? text(*static_cast<const Place*>(origin)) : source_line(origin);
}

void fail(Place place, const char* format, ...) {
  char message[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  active("a device function").fail(place, message);
}

BarrierVote block_barrier(int predicate, Place place) {
  return active("__syncthreads").barrier(predicate, place);
}

void warp_collective(uint32_t mask, void* payload, const Collective& kind, Place place) {
  active(kind.name).collective(mask, payload, kind, place);
}

uint32_t live_lanes() { return active("__activemask").live_lanes(); }

unsigned lane_number() { return active("a warp function").current()->lane; }

bool is_shared(const void* address) { return active("ldmatrix").shared().contains(address); }

void* shared_object(const void* key, const char* name, size_t bytes, size_t alignment,
                    Place place) {
  return active("SHARED").shared_object({key, name, bytes, alignment, place});
}

void* dynamic_shared_memory(Place place) {
  BlockRunner& here = active("dynamic_shared");
  void* memory = here.shared().dynamic();
  if (!memory) here.fail(place, "dynamic_shared: the launch gave no dynamic shared memory");
  return memory;
}

void fence() {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (observer) observer->fence();
}

void async_copy(void* to, const void* from, size_t bytes, size_t valid, Place place) {
  active("cp_async").async_copy(to, from, bytes, valid, place);
}

void async_commit() { active("cp_async_commit").async_commit(); }

void async_wait(size_t pending_groups, Place place) {
  BlockRunner& here = active("cp_async_wait");
  if (!here.skips(place, SyncKind::async_wait)) here.async_wait(pending_groups);
}

void touch_memory(const void* address, size_t bytes, bool write, bool atomic, Place place) {
  if (bytes == 0 || !runner || !runner->current()) return;
  if (runner->fiber().stack_contains(address)) return;
  const Space space = runner->shared().contains(address) ? Space::shared : Space::global;
  observer->access({address, bytes, write, atomic, space, place_origin(place)});
}

}  // namespace lathe::emulator
