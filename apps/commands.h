// The program's commands, each declared by its own file.
#pragma once

#include "apps/command.h"

namespace lathe::apps {

void add_env(Program& program);
void add_inspect(Program& program);
void add_kernels(Program& program);

}  // namespace lathe::apps
