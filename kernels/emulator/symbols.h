// Names for addresses in this program: which kernel a function pointer is, and which source line a
// memory access came from. Slow; used only for reports.
#pragma once

#include <string>
#include <vector>

namespace lathe::emulator {

/// The kernel's name without namespaces, arguments and template arguments ("softmax_rows").
std::string kernel_name(const void* function);

/// The same with its template arguments ("softmax_rows<float, 4>").
std::string kernel_full_name(const void* function);

struct KernelSymbol {
  std::string mangled;
  std::string file;  // "softmax.cu", whose object has it; empty for symbols of external linkage
};

/// The kernel's entry in its file's table of symbols; empty where it has none.
KernelSymbol kernel_symbol(const void* function);

/// "softmax.cu:48" for the instruction before this return address; needs -g and addr2line
/// (binutils).
std::string source_line(const void* return_address);

/// Looks up many addresses at once, so that source_line answers them without another search.
void find_source_lines(const std::vector<const void*>& return_addresses);

}  // namespace lathe::emulator
