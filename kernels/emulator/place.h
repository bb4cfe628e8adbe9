// A place in a kernel's source. Every synchronising call takes one as its last, defaulted argument,
// so that an error can say `softmax.cu:48: ...`, and so that a test can leave out the barrier
// there.
#pragma once

#include <atomic>
#include <string>

namespace lathe::emulator {

struct Place {
  const char* file = "?";
  int line = 0;

  /// As a default argument: the place of the call.
  static constexpr Place here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    return {file, line};
  }
  bool operator==(const Place& other) const;
};

/// "softmax.cu:48", without folders.
std::string text(const Place& place);

/// The synchronisations that the mutation test leaves out one at a time.
enum class SyncKind { block_barrier, warp_barrier, async_wait };

/// Whether any place may have to be skipped or listed; checked before every synchronisation.
extern std::atomic<bool> watching_places;

/// Lists the place where LATHE_EMULATOR_PLACES asks for it, and says whether this synchronisation
/// is to be ignored (LATHE_EMULATOR_SKIP, or options().skip). `kernel` is the kernel's address.
bool place_is_skipped(const Place& place, SyncKind kind, const void* kernel);

}  // namespace lathe::emulator
