// Builds other than the preset `profile`: there are no counters.
#include "kernels/emulator/counters.h"
#include "tensor/check.h"

namespace lathe::emulator {

bool counters_available() { return false; }

void counters_start() {
  fail(ErrorKind::usage,
       "profile: this build has no counters; use `cmake --preset profile && cmake --build "
       "build/profile`, then build/profile/bin/lathe");
}

std::vector<KernelCounts> counters_stop() { return {}; }

}  // namespace lathe::emulator
