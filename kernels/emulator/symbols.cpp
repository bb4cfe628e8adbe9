#include "kernels/emulator/symbols.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <vector>

namespace lathe::emulator {
namespace {

std::mutex mutex;

// A whole file, mapped for reading. Empty when it cannot be read.
class MappedFile {
 public:
  explicit MappedFile(const char* path) {
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status {};
    if (file < 0 || fstat(file, &status) != 0) return;
    void* p = mmap(nullptr, size_t(status.st_size), PROT_READ, MAP_PRIVATE, file, 0);
    close(file);
    if (p == MAP_FAILED) return;
    data_ = static_cast<const char*>(p);
    size_ = size_t(status.st_size);
  }
  ~MappedFile() {
    if (data_) munmap(const_cast<char*>(data_), size_);
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  const char* data() const { return data_; }

 private:
  const char* data_ = nullptr;
  size_t size_ = 0;
};

// The function at an offset of an ELF file. Kernels usually have internal linkage, so the dynamic
// symbol table (dladdr) does not know them, but the full one does: it has the local symbols of each
// object behind an entry with the name of its source.
KernelSymbol symbol_at(const char* path, uintptr_t offset) {
  const MappedFile file(path);
  if (!file.data()) return {};
  const auto* header = reinterpret_cast<const Elf64_Ehdr*>(file.data());
  if (std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) return {};
  const auto* sections = reinterpret_cast<const Elf64_Shdr*>(file.data() + header->e_shoff);
  for (int i = 0; i < header->e_shnum; i++) {
    if (sections[i].sh_type != SHT_SYMTAB) continue;
    const auto* symbols = reinterpret_cast<const Elf64_Sym*>(file.data() + sections[i].sh_offset);
    const char* names = file.data() + sections[sections[i].sh_link].sh_offset;
    const char* source = "";
    for (size_t k = 0; k < sections[i].sh_size / sizeof(Elf64_Sym); k++) {
      const char* const name = names + symbols[k].st_name;
      const int type = ELF64_ST_TYPE(symbols[k].st_info);
      if (type == STT_FILE) source = name;
      if (type == STT_FUNC && symbols[k].st_value == offset) {
        const bool local = ELF64_ST_BIND(symbols[k].st_info) == STB_LOCAL;
        return {name, local ? source : ""};
      }
    }
  }
  return {};
}

std::string demangled(const std::string& symbol) {
  int status = 0;
  char* text = abi::__cxa_demangle(symbol.c_str(), nullptr, nullptr, &status);
  std::string result = status == 0 ? text : symbol;
  std::free(text);
  return result;
}

// "void lathe::(anonymous namespace)::rows<float, 4>(float const*)" -> "rows<float, 4>"
std::string shortened(std::string name) {
  for (size_t at; (at = name.find("(anonymous namespace)::")) != std::string::npos;) {
    name.erase(at, std::strlen("(anonymous namespace)::"));
  }
  int depth = 0;
  size_t begin = 0, end = name.size();
  for (size_t i = 0; i < name.size(); i++) {
    if (name[i] == '<') depth++;
    if (name[i] == '>') depth--;
    if (depth > 0) continue;
    if (name[i] == '(') {
      end = i;
      break;
    }
    if (name[i] == ' ' || name[i] == ':') begin = i + 1;
  }
  return name.substr(begin, end - begin);
}

}  // namespace

KernelSymbol kernel_symbol(const void* function) {
  static std::map<const void*, KernelSymbol> known;
  std::lock_guard lock(mutex);
  const auto found = known.find(function);
  if (found != known.end()) return found->second;
  KernelSymbol symbol;
  Dl_info info{};
  if (dladdr(function, &info)) {
    const uintptr_t address = reinterpret_cast<uintptr_t>(function);
    symbol = symbol_at(info.dli_fname, address - reinterpret_cast<uintptr_t>(info.dli_fbase));
    // A program that is not position-independent has absolute addresses in its table.
    if (symbol.mangled.empty()) symbol = symbol_at(info.dli_fname, address);
  }
  return known[function] = symbol;
}

std::string kernel_full_name(const void* function) {
  const std::string mangled = kernel_symbol(function).mangled;
  return mangled.empty() ? "kernel" : shortened(demangled(mangled));
}

std::string kernel_name(const void* function) {
  const std::string name = kernel_full_name(function);
  return name.substr(0, name.find('<'));
}

namespace {

// What addr2line says of some addresses of one file, in their order; shorter where it fails.
std::vector<std::string> run_addr2line(const std::string& file,
                                       const std::vector<uintptr_t>& offsets) {
  std::string command = "addr2line -e '" + file + "'";
  for (uintptr_t offset : offsets) {
    char text[24];
    std::snprintf(text, sizeof text, " %#lx", static_cast<unsigned long>(offset));
    command += text;
  }
  std::vector<std::string> lines;
  FILE* pipe = popen((command + " 2>/dev/null").c_str(), "r");
  if (!pipe) return lines;
  char output[1024];
  while (std::fgets(output, sizeof output, pipe)) {
    output[std::strcspn(output, " \n")] = 0;
    const char* slash = std::strrchr(output, '/');
    lines.push_back(output[0] == '?' ? "an unknown line" : slash ? slash + 1 : output);
  }
  pclose(pipe);
  return lines;
}

std::map<const void*, std::string> known_lines;

}  // namespace

void find_source_lines(const std::vector<const void*>& return_addresses) {
  std::lock_guard lock(mutex);
  std::map<std::string, std::vector<const void*>> by_file;
  std::map<std::string, std::vector<uintptr_t>> offsets;
  for (const void* address : return_addresses) {
    Dl_info info{};
    if (known_lines.contains(address)) continue;
    known_lines[address] = "an unknown line";
    if (!dladdr(address, &info)) continue;
    const uintptr_t base = reinterpret_cast<uintptr_t>(info.dli_fbase);
    by_file[info.dli_fname].push_back(address);
    offsets[info.dli_fname].push_back(reinterpret_cast<uintptr_t>(address) - base - 1);
  }
  for (const auto& [file, addresses] : by_file) {
    const std::vector<std::string> lines = run_addr2line(file, offsets[file]);
    for (size_t i = 0; i < lines.size() && i < addresses.size(); i++) {
      known_lines[addresses[i]] = lines[i];
    }
  }
}

std::string source_line(const void* return_address) {
  find_source_lines({return_address});
  std::lock_guard lock(mutex);
  return known_lines[return_address];
}

}  // namespace lathe::emulator
