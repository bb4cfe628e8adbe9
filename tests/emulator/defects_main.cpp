// Runs one planted defect: `emulator_defects NAME` prints "caught: ..." or "missed".
// `emulator_defects --list` prints all names.
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>

#include "tests/emulator/defects.h"

namespace lathe::tests {

std::map<std::string, Defect>& defects() {
  static std::map<std::string, Defect> all;
  return all;
}

}  // namespace lathe::tests

namespace {

void on_segmentation_fault(int) {
  const char text[] = "caught: segmentation fault\n";
  if (write(STDOUT_FILENO, text, sizeof text - 1) < 0) _exit(2);
  _exit(0);
}

// The outcome, and out: the device may be in no state for an orderly end.
[[noreturn]] void finish(const std::string& outcome) {
  std::printf("%s\n", outcome.c_str());
  std::fflush(stdout);
  _exit(outcome == "missed");
}

}  // namespace

int main(int argc, char** argv) {
  using lathe::tests::defects;
  if (argc == 2 && std::strcmp(argv[1], "--list") == 0) {
    for (const auto& [name, run] : defects()) std::printf("%s\n", name.c_str());
    return 0;
  }
  if (argc != 2 || !defects().contains(argv[1])) {
    std::fprintf(stderr, "usage: emulator_defects NAME | --list\n");
    return 2;
  }
  std::signal(SIGSEGV, on_segmentation_fault);
  try {
    defects()[argv[1]]();
    lathe::tests::require(cudaDeviceSynchronize());
  } catch (const std::exception& error) {
    finish(std::string("caught: ") + error.what());
  }
  finish("missed");
}
