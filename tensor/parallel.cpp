#include "tensor/parallel.h"

#include <omp.h>

namespace lathe {

int num_threads() { return std::max(1, omp_get_max_threads()); }
void set_num_threads(int threads) { omp_set_num_threads(std::max(1, threads)); }
bool in_parallel() { return omp_in_parallel() != 0; }

void detail::run_parallel(int parts, void (*body)(void*, int), void* context) {
#pragma omp parallel for num_threads(parts) schedule(static, 1)
  for (int i = 0; i < parts; ++i) body(context, i);
}

}  // namespace lathe
