// Scratch memory of a thread, kept from call to call: a kernel row that packs its operands asks for
// it without allocating after its first call.
#pragma once

#include <cstddef>

namespace lathe::kernels {

/// What the memory is for; a thread has one block for each.
enum class ScratchUse { shared_panels, own_panels };

/// At least `bytes` bytes on a 64-byte boundary, the calling thread's until its next call for the
/// same use. What they hold does not matter.
void* scratch_memory(ScratchUse use, size_t bytes);

}  // namespace lathe::kernels
