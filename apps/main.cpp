// The program `lathe`.
#include "apps/commands.h"

int main(int argc, char** argv) {
  using namespace lathe::apps;
  Program program;
  add_inspect(program);
  add_kernels(program);
  add_env(program);
  return program.run(argc, argv);
}
