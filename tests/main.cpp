// The test program: doctest, with the skipped tests counted and named at the end.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <iostream>

#include "tests/support.h"

int main(int argc, char** argv) {
  doctest::Context context(argc, argv);
  const int status = context.run();
  const auto& skipped = lathe::tests::skipped();
  if (!skipped.empty()) {
    std::cout << skipped.size() << " skipped:\n";
    for (const std::string& line : skipped) std::cout << "  " << line << "\n";
  }
  return status;
}
