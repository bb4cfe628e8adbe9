// The program `lathe`.
#include "apps/commands.h"

int main(int argc, char** argv) {
  using namespace lathe::apps;
  Program program;
  add_train(program);
  add_eval(program);
  add_predict(program);
  add_extract(program);
  add_kfold(program);
  add_summary(program);
  add_inspect(program);
  add_convert(program);
  add_kernels(program);
  add_bench(program);
  add_env(program);
  add_data_make(program);
  add_data_split(program);
  add_data_stats(program);
  add_data_transform(program);
  add_data_show(program);
  add_data_bench(program);
  return program.run(argc, argv);
}
