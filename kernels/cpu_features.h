// What the processor at hand can execute. Rows for an instruction set ask here before they take a
// call, so that one program runs on every x86-64 machine.
#pragma once

namespace lathe::kernels {

#if defined(__x86_64__)
/// AVX2 and FMA.
inline bool has_avx2() {
  static const bool has = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return has;
}
/// AVX-512 F, DQ, BW and VL, which came together.
inline bool has_avx512() {
  static const bool has = has_avx2() && __builtin_cpu_supports("avx512f") &&
                          __builtin_cpu_supports("avx512dq") &&
                          __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
  return has;
}
#endif

}  // namespace lathe::kernels
