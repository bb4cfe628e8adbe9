// The program's commands, each declared by its own file.
#pragma once

#include "apps/command.h"

namespace lathe::apps {

void add_train(Program& program);
void add_eval(Program& program);
void add_predict(Program& program);
void add_extract(Program& program);
void add_kfold(Program& program);
void add_summary(Program& program);
void add_inspect(Program& program);
void add_convert(Program& program);
void add_kernels(Program& program);
void add_bench(Program& program);
void add_env(Program& program);
void add_data_make(Program& program);
void add_data_split(Program& program);
void add_data_stats(Program& program);
void add_data_transform(Program& program);
void add_data_show(Program& program);
void add_data_bench(Program& program);

}  // namespace lathe::apps
